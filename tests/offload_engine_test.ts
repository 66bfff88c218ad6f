/** Offload invariance through `load()`: options, plan, stores and chat. */

import { assert, assertEquals } from "@std/assert";
import { type Engine, load, type LoadOptions, type Plan } from "../mod.ts";
import { finish, withEngine } from "./_engine.ts";
import { settle } from "./_gpu.ts";
import { limitPools } from "./_offload_pool_limit.ts";
import { assertSentence } from "./_sentence.ts";
import { STORIES, tinyCheckpoint } from "./_tiny_checkpoint.ts";

const EXPERT_BYTE_LENGTH = 256 * 384 * 3 * 2; // BF16

/** Options, and the stores that come of them. */
const CASES: Readonly<Record<string, [LoadOptions, stores: string[]]>> = {
  "two slots": [{ slots: 2, store: "pinned" }, ["pinned"]],
  "the four numbers of the original": [
    {
      mainSize: 30,
      offloadSize: 18,
      offloadPerLayer: 3,
      bufferSize: 2,
      store: "array-buffer",
      policy: "lfu",
    },
    ["array-buffer"],
  ],
  "a VRAM budget": [
    { vramByteLength: 26 * 2 ** 20, store: "disk", policy: "class-lru" },
    ["disk"],
  ],
  "a RAM budget and prefetch": [
    {
      slots: [2, 3, 8, 2, 4, 2],
      ramByteLength: 20 * EXPERT_BYTE_LENGTH,
      prefetch: "next-layer",
      prefetchExperts: 2,
      policy: "lru",
    },
    ["pinned", "disk"],
  ],
};

const BASE: LoadOptions = { contextLength: 192, chunkSize: 32 };

/** A conversation of two turns, and all logits of a text. */
async function use(engine: Engine) {
  const options = { temperature: 0.9, seed: 11, maxTokens: 9, logprobs: 1 };
  const question = { role: "user", content: "Tell me a story about a dog." };
  const first = await finish(engine.chat([question], options));
  const second = await finish(engine.chat([question, {
    role: "assistant",
    content: first.text,
  }, { role: "user", content: "Then the dog met a very old bird." }], options));
  assert(second.cachedTokens > 0);
  const text = engine.tokenizer.encode(`${first.text} ${second.text}`);
  const logits = await engine.logits(text.slice(0, 40));
  return {
    ids: [first.ids, second.ids],
    logits: new Uint32Array(logits.buffer),
  };
}

Deno.test("load() gives the same bits for all offload options", async () => {
  const expected = await withEngine(STORIES, BASE, use);
  for (const [what, [options, stores]] of Object.entries(CASES)) {
    const plans: Plan[] = [];
    const onPlan = (plan: Plan) => void plans.push(plan);
    const all = { ...BASE, ...options, onPlan };
    const actual = await withEngine(STORIES, all, async (engine) => {
      const answer = await use(engine);
      const { layers } = engine.offloadStats!.snapshot();
      assert(layers.some(({ misses }) => misses > 0), what);
      return answer;
    });
    assertEquals(plans[0]!.stores.map(({ kind }) => kind), stores, what);
    assertEquals(actual.ids, expected.ids, what);
    const at = actual.logits.findIndex((word, i) =>
      word !== expected.logits[i]
    );
    assertEquals(at, -1, `${what}: logit ${at} differs`);
  }
});

Deno.test("load() keeps in array buffers what the system does not pin", async () => {
  using model = await tinyCheckpoint();
  const prompt = [3, 14, 15, 9, 26, 5];
  const options = { temperature: 0, maxTokens: 24, ignoreEos: true };
  const talk = async (engine: Engine) => ({
    ids: (await finish(engine.generate(prompt, options))).ids,
    logits: await engine.logits(prompt),
  });
  const expected = await withEngine(model.path, {}, talk);
  // 8 experts of 18 KiB: six of them, one, none.
  for (const granted of [6, 1, 0]) {
    using limit = limitPools(granted * 18432);
    const actual = await withEngine(
      model.path,
      { slots: 2, prefetch: "next-layer" },
      talk,
    );
    assertEquals(actual, expected);
    assert(limit.refused.length > 0);
  }
  using _ = limitPools(6 * 18432);
  await assertSentence(
    () => load(model.path, { slots: 2, store: "pinned" }),
    "Cannot pin 8 experts of 18432 bytes: the system grants memory for 6",
  );
  await settle();
});
