/** A shard cut short under a running disk store: a sentence, then life goes on. */

import { assert, assertEquals } from "@std/assert";
import type { Engine, LoadOptions } from "../mod.ts";
import { finish, withEngine } from "./_engine.ts";
import { GpuWatch } from "./_offload_calls.ts";
import { assertSentence } from "./_sentence.ts";
import { tinyCheckpoint } from "./_tiny_checkpoint.ts";

const PROMPT = [3, 14, 15, 9, 26, 5, 35, 8, 9, 7, 9];
const GREEDY = { temperature: 0, maxTokens: 20, ignoreEos: true };
const SAYS = "it was cut short after it was opened";

/** What the fully resident model says. */
async function resident(path: string) {
  return await withEngine(path, { chunkSize: 4 }, async (engine) => ({
    ids: (await finish(engine.generate(PROMPT, GREEDY))).ids,
    logits: await engine.logits(PROMPT),
  }));
}

/** Cuts a file short, as long as something runs. */
async function whileCut(
  path: string,
  fn: () => Promise<unknown>,
): Promise<void> {
  const bytes = await Deno.readFile(path);
  const { atime, mtime } = await Deno.stat(path);
  try {
    await Deno.truncate(path, 4000);
    await fn();
  } finally {
    await Deno.writeFile(path, bytes); // the same file, which stays open
    await Deno.utime(path, atime!, mtime!); // as it was
  }
}

const CASES: Readonly<Record<string, LoadOptions>> = {
  "no prefetch": { prefetch: "off" },
  "prefetch": { prefetch: "next-layer", prefetchExperts: 2 },
  "few pinned experts and prefetch": {
    prefetch: "next-layer",
    store: "auto",
    ramByteLength: 5 * 18432, // 4 of them to read into
  },
};

for (const [what, options] of Object.entries(CASES)) {
  Deno.test(`Engine survives a shard cut short, with ${what}`, async () => {
    using model = await tinyCheckpoint();
    const file = `${model.path}/model.safetensors`;
    const expected = await resident(model.path);
    const all: LoadOptions = {
      slots: 2,
      store: "disk",
      ramByteLength: 18432, // one expert: nearly every miss is read
      chunkSize: 4,
      ...options,
    };
    await withEngine(model.path, all, async (engine) => {
      using watch = new GpuWatch();
      const good = async () => {
        const { ids } = await finish(engine.generate(PROMPT, GREEDY));
        assertEquals(ids, expected.ids);
        assertEquals(await engine.logits(PROMPT), expected.logits);
      };
      await good();
      await engine.logits([1, 2, 3, 4]); // forgets the prompt
      await whileCut(
        file,
        () =>
          assertSentence(() => finish(engine.generate(PROMPT, GREEDY)), SAYS),
      );
      await good();
      await breakDecode(engine, file);
      await good();
      await whileCut(
        file,
        () => assertSentence(() => engine.logits(PROMPT), SAYS),
      );
      await good();
      assertEquals(watch.created(), {});
    });
  });
}

/** Cuts the shard in the middle of an answer. */
async function breakDecode(engine: Engine, file: string): Promise<void> {
  const pieces = engine.generate(PROMPT, {
    ...GREEDY,
    temperature: 2,
    seed: 1,
  });
  for (let i = 0; i < 4; i++) await pieces.next();
  await whileCut(file, () => assertSentence(() => finish(pieces), SAYS));
  const { done } = await pieces.next();
  assert(done);
}
