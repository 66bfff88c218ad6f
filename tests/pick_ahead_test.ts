/** Tokens that the GPU picks, several with one read-back: the same as one by one. */

import { assert, assertEquals } from "@std/assert";
import { generate, type GenerateResult } from "../src/engine/generate.ts";
import { type GenerateOptions, resolveOptions } from "../src/engine/options.ts";
import { Sequence, type TokenModel } from "../src/engine/sequence.ts";
import type { Mixtral } from "../src/model/mixtral.ts";
import { GpuWatch } from "./_offload_calls.ts";
import { CONTEXT_LENGTH, WAY, withLab } from "./_offload_lab.ts";
import { AHEAD_LIMIT } from "../src/ops/step.ts";
import { MODELS } from "./_offload_talk.ts";
import { withRandom } from "./_random.ts";
import { tinyCheckpoint } from "./_tiny_checkpoint.ts";

const CHUNK_SIZE = 16;

for (const [name, directory] of Object.entries(MODELS)) {
  Deno.test(`Mixtral.pickAhead() picks as forward() says on ${name}`, async () => {
    await withLab(directory, async (lab) => {
      using model = await lab.resident(CHUNK_SIZE);
      assertEquals(model.aheadLimit, AHEAD_LIMIT);
      await withRandom(31, async (random) => {
        const prompt = random.integers(9, model.config.vocabSize);
        const last = prompt.at(-1)!;
        const expected = await oneByOne(model, prompt, AHEAD_LIMIT);
        for (const count of [1, 5, 8, AHEAD_LIMIT]) {
          await model.forward(prompt.slice(0, -1), 0);
          const ids = [last];
          while (ids.length <= expected.ids.length - count) {
            const position = prompt.length - 2 + ids.length;
            const picked = await model.pickAhead(ids.at(-1)!, {
              position,
              count,
            });
            assertEquals(picked.length, count);
            ids.push(...picked);
          }
          const made = ids.slice(1);
          assertEquals(made, expected.ids.slice(0, made.length));
        }
        // The keys and values are the same bits, too.
        await model.forward(prompt.slice(0, -1), 0);
        await model.pickAhead(last, { position: prompt.length - 1, count: 8 });
        const logits = await model.forward(
          [expected.ids[7]!],
          prompt.length + 7,
        );
        assertEquals(wordsOf(logits), expected.logits[8]);
      });
    });
  });
}

/** The most probable tokens after a prompt, and the logits that said so. */
async function oneByOne(
  model: Mixtral,
  prompt: readonly number[],
  count: number,
) {
  await model.forward(prompt.slice(0, -1), 0);
  const ids: number[] = [];
  const words: Uint32Array[] = [];
  for (let i = 0; i < count; i++) {
    const id = ids.at(-1) ?? prompt.at(-1)!;
    const logits = await model.forward([id], prompt.length - 1 + i);
    words.push(wordsOf(logits));
    ids.push(largestOf(logits));
  }
  return { ids, logits: words };
}

function largestOf(logits: Float32Array): number {
  return logits.indexOf(logits.reduce((a, b) => Math.max(a, b)));
}

function wordsOf(logits: Float32Array<ArrayBuffer>): Uint32Array {
  return new Uint32Array(logits.slice().buffer);
}

Deno.test("Mixtral.pickAhead() runs what it is told, and says what it would pick", async () => {
  await withLab(MODELS.a_gqa_8e, async (lab) => {
    using model = await lab.resident(CHUNK_SIZE);
    const told = [90, 3, 77, 41, 8];
    const expected: number[] = [];
    for (const [i, id] of [5, ...told.slice(0, 4)].entries()) {
      expected.push(largestOf(await model.forward([id], i)));
    }
    const where = { position: 0, count: 5, told };
    assertEquals(await model.pickAhead(5, where), expected);
    assert(expected.join() !== told.join(), "it would have said the same");
    // Nothing of it is left behind.
    const free = await model.pickAhead(5, { position: 0, count: 5 });
    assertEquals(free[0], expected[0]);
    assertEquals(free[1], largestOf(await model.forward([free[0]!], 1)));
  });
});

Deno.test("Mixtral.pickAhead() submits on the way where a GPU can begin", async () => {
  using directory = await tinyCheckpoint({
    config: { "num_hidden_layers": 17 },
  });
  await withLab(directory.path, async (lab) => {
    Object.assign(lab.gpu, { isSoftware: true });
    using waiting = await lab.resident(CHUNK_SIZE);
    Object.assign(lab.gpu, { isSoftware: false });
    using eager = await lab.resident(CHUNK_SIZE);
    using watch = new GpuWatch();
    const where = { position: 0, count: 6 };
    const ids = await waiting.pickAhead(5, where);
    assertEquals(watch.count("submit"), 1);
    watch.reset();
    assertEquals(await eager.pickAhead(5, where), ids);
    // After layer 3 of the first token, layer 15 of each, and in the end.
    assertEquals(watch.count("submit"), 1 + 6 + 1);
    assertEquals(watch.count("mapAsync"), 1);
    assertEquals(watch.created(), {});
  });
});

Deno.test("Mixtral.pickAhead() goes up to the end of the context", async () => {
  await withLab(MODELS.c_sw8_mqa, async (lab) => {
    using model = await lab.resident(CHUNK_SIZE);
    const prompt = Array.from(
      { length: CONTEXT_LENGTH - 8 },
      (_, i) => (i * 37) % 128,
    );
    const expected = await oneByOne(model, [...prompt, 5], 8);
    await model.forward(prompt, 0);
    const where = { position: CONTEXT_LENGTH - 8, count: 8 };
    assertEquals(await model.pickAhead(5, where), expected.ids);
  });
});

Deno.test("Mixtral.pickAhead() ends before logits that are no numbers", async () => {
  using model = await tinyCheckpoint({ seed: 3 });
  const prompt = [1, 5, 9];
  let expected: number[] = [];
  await withLab(model.path, async (lab) => {
    using whole = await lab.resident(CHUNK_SIZE);
    expected = (await oneByOne(whole, prompt, 8)).ids;
  });
  const broken = expected.findIndex((id, i) =>
    i > 1 && ![...prompt, ...expected.slice(0, i)].includes(id)
  );
  assert(broken > 1, `always the same: ${expected}`);
  await breakEmbedding(model.path, expected[broken]!);
  await withLab(model.path, async (lab) => {
    using half = await lab.resident(CHUNK_SIZE);
    await half.forward(prompt.slice(0, -1), 0);
    const last = { position: prompt.length - 1, count: 8 };
    const ids = await half.pickAhead(prompt.at(-1)!, last);
    // It is picked, but what comes after it is unknown.
    assertEquals(ids, expected.slice(0, broken + 1));
    const next = { position: prompt.length + broken, count: 3 };
    assertEquals(await half.pickAhead(ids.at(-1)!, next), []);
  });
});

/** Makes the embedding of a token so large that its squares overflow. */
async function breakEmbedding(directory: string, id: number): Promise<void> {
  const path = `${directory}/model.safetensors`;
  const bytes = await Deno.readFile(path);
  const headerByteLength = Number(
    new DataView(bytes.buffer).getBigUint64(0, true),
  );
  const header = JSON.parse(
    new TextDecoder().decode(bytes.subarray(8, 8 + headerByteLength)),
  );
  const { shape, data_offsets: [start] } = header["model.embed_tokens.weight"];
  const at = 8 + headerByteLength + start + id * shape[1] * 4;
  new DataView(bytes.buffer).setFloat32(at, 3e38, true);
  await Deno.writeFile(path, bytes);
}

Deno.test("Mixtral.pickAhead() makes no GPU object, and reads back once", async () => {
  await withLab(MODELS.a_gqa_8e, async (lab) => {
    using model = await lab.resident(CHUNK_SIZE);
    using watch = new GpuWatch();
    for (const count of [1, 8, 3]) {
      watch.reset();
      await model.pickAhead(3, { position: 0, count });
      assertEquals(watch.created(), {});
      assertEquals(watch.count("mapAsync"), 1);
      assert(watch.count("submit") > 0, "nothing was counted");
    }
    assertEquals(watch.buffers, []);
  });
});

Deno.test("Mixtral.aheadLimit is 0 where the host has its say in a token", async () => {
  await withLab(MODELS.a_gqa_8e, async (lab) => {
    const way = { ...WAY, slots: [2, 8, 8] };
    using offloaded = await lab.offloaded(way);
    assertEquals(offloaded.aheadLimit, 0);
    using decided = await lab.offloaded({ ...way, residency: "gpu" });
    assertEquals(decided.aheadLimit, AHEAD_LIMIT);
    using heard = await lab.resident(CHUNK_SIZE, { onRouting: () => {} });
    assertEquals(heard.aheadLimit, AHEAD_LIMIT);
  });
});

/** Ids stay ids, and text is their numbers. */
const NUMBERS = {
  decoder: () => ({ push: (id: number) => `${id} `, flush: () => "" }),
  tokenText: String,
};

/** A model that does not pick ahead, or does and counts. */
function wrap(model: Mixtral, limit: number) {
  const batches: number[] = [];
  const wrapped: TokenModel = {
    contextLength: model.contextLength,
    chunkSize: model.chunkSize,
    aheadLimit: limit,
    forward: (ids, position) => model.forward(ids, position),
    pickAhead(id, where) {
      batches.push(where.count);
      return model.pickAhead(id, where);
    },
  };
  return { sequence: new Sequence(wrapped, NUMBERS), batches };
}

Deno.test("generate() says the same when a model runs ahead", async () => {
  await withLab(MODELS.a_gqa_8e, async (lab) => {
    using model = await lab.resident(CHUNK_SIZE);
    await withRandom(32, async (random) => {
      const prompt = random.integers(20, model.config.vocabSize);
      const plain = await tell(wrap(model, 0), prompt, { maxTokens: 40 });
      const ids = plain[0]!.ids;
      const ways: GenerateOptions[] = [
        { maxTokens: 40 },
        {}, // until the context is full
        { stop: [` ${ids[13]} ${ids[14]} `] },
      ];
      const batches: number[] = [];
      for (const options of ways) {
        const expected = await tell(wrap(model, 0), prompt, options);
        const ahead = wrap(model, model.aheadLimit);
        assertEquals(await tell(ahead, prompt, options), expected);
        assertEquals(ahead.batches[0], 1);
        batches.push(...ahead.batches);
      }
      // A machine so busy that a token takes 25 ms shows nothing.
      assert(batches.some((count) => count > 1), `${batches}`);
      // Each id as the end of the text: also in the middle of a batch.
      for (const eos of ids.slice(0, 12)) {
        const expected = await tell(wrap(model, 0), prompt, {}, [eos]);
        const ahead = wrap(model, model.aheadLimit);
        assertEquals(await tell(ahead, prompt, {}, [eos]), expected);
      }
    });
  });
});

/** Two answers: to the prompt, and to a prompt that goes on from it. */
async function tell(
  { sequence }: { sequence: Sequence },
  prompt: readonly number[],
  options: GenerateOptions,
  eosIds: number[] = [],
): Promise<Pick<GenerateResult, "ids" | "text" | "cachedTokens">[]> {
  const answers = [];
  let ids = [...prompt];
  for (const { maxTokens = Infinity } of [options, { maxTokens: 6 }]) {
    const settings = resolveOptions({
      temperature: 0,
      ...options,
      maxTokens,
      seed: 1,
    }, { eosIds });
    for await (const { final } of generate(sequence, ids, settings)) {
      if (!final) continue;
      const { text, cachedTokens, finishReason, contextFull } = final;
      answers.push({
        ids: final.ids,
        text,
        cachedTokens,
        finishReason,
        contextFull,
        cached: [...sequence.ids],
      });
    }
    // One more token after the answer, or less of it if the context is full.
    ids = [...ids, ...answers.at(-1)!.ids.slice(0, 100), 3];
  }
  return answers;
}
