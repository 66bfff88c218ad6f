/** Models of 32,768 positions: the last ones, and the end of the cache. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { generate } from "../src/engine/generate.ts";
import { loadModel } from "../src/engine/load_model.ts";
import { openSource } from "../src/engine/model_source.ts";
import { resolveOptions } from "../src/engine/options.ts";
import { Sequence } from "../src/engine/sequence.ts";
import { Gpu, type GpuOptions } from "../src/gpu/device.ts";
import type { Mixtral } from "../src/model/mixtral.ts";
import { count } from "./_counts.ts";
import { maxDifference, withEngine } from "./_engine.ts";
import { settle, STRIPS } from "./_gpu.ts";
import { IS_LONG } from "./_kernel_case.ts";
import { Random } from "./_random.ts";
import { tinyCheckpoint } from "./_tiny_checkpoint.ts";

const SEED = 61;
const CONTEXT = 32_768;
const WINDOW = 24;
const LONG = {
  "max_position_embeddings": CONTEXT,
  "sliding_window": WINDOW,
};

/** Lends a model with all positions. */
async function withLongModel(
  options: GpuOptions,
  fn: (model: Mixtral) => Promise<void>,
): Promise<void> {
  using checkpoint = await tinyCheckpoint({ config: LONG, seed: SEED });
  try {
    using gpu = await Gpu.open(options);
    using source = await openSource(checkpoint.path);
    const load = { contextLength: CONTEXT, chunkSize: 32 };
    const reader = source.reader(load);
    const { config } = source;
    using model =
      (await loadModel(gpu, { config, reader, options: load })).model;
    await fn(model);
  } finally {
    await settle();
  }
}

/** The kernels of a GPU take half a minute to compile, and are tried by themselves. */
for (const options of IS_LONG ? [{}, STRIPS] : [{}]) {
  Deno.test(`Mixtral says at position 32,767 what it says near the start, ${JSON.stringify(options)}`, async () => {
    await withLongModel(options, async (model) => {
      // With a window, two layers see what the last 2 * 24 tokens say, and rotations
      // tell distances only: how far from the start that is does not matter.
      const ids = new Random(SEED).integers(96, model.config.vocabSize);
      const at = async (start: number) => {
        const rows: Float32Array[] = [];
        rows.push((await model.forward(ids.slice(0, -2), start)).slice());
        for (const i of [-2, -1]) {
          const position = start + ids.length + i;
          rows.push((await model.forward([ids.at(i)!], position)).slice());
        }
        return rows;
      };
      const [near, far] = [await at(0), await at(CONTEXT - ids.length)];
      for (const [i, row] of far.entries()) {
        // Rotations are off by a rounding, scores by some of them.
        const difference = maxDifference(row, near[i]!);
        assert(difference < 2e-5, `seed ${SEED}, run ${i}: ${difference}`);
        count("numbers", "cases tried", 1);
      }
    });
  });
}

Deno.test("generate() ends with the cache at 32,768 positions, and says so", async () => {
  await withLongModel({}, async (model) => {
    const sequence = new Sequence(model, NO_TEXT);
    const ids = new Random(SEED).integers(CONTEXT - 3, model.config.vocabSize);
    for (const temperature of [0, 1]) { // picked by the GPU, and by the host
      // As if all but the last had run; of those only some are seen.
      sequence.clear();
      await model.forward(ids.slice(-60, -1), ids.length - 60);
      for (const id of ids.slice(0, -1)) sequence.accept(id);
      const settings = resolveOptions(
        { temperature, maxTokens: 50, seed: 1 },
        {},
      );
      const pieces = await Array.fromAsync(generate(sequence, ids, settings));
      const { final } = pieces.at(-1)!;
      assertEquals(final!.cachedTokens, ids.length - 1);
      assertEquals(final!.contextFull, true);
      assertEquals(final!.finishReason, "length");
      // The last one is made of the last position, and not run.
      assertEquals(final!.completionTokens, 4);
      assertEquals(sequence.ids.length, CONTEXT);
      count("numbers", "cases tried", 1);
    }
    await assertRejects(
      () => {
        const settings = resolveOptions({}, {});
        const long = [...ids, 1, 2, 3, 4];
        return Array.fromAsync(generate(sequence, long, settings));
      },
      RangeError,
      "the prompt has 32769 tokens, the context holds 32768",
    );
  });
});

Deno.test("load() refuses a position beyond the model's", async () => {
  using checkpoint = await tinyCheckpoint({
    config: { max_position_embeddings: CONTEXT },
  });
  const options = { contextLength: CONTEXT + 1 };
  await assertRejects(
    () => withEngine(checkpoint.path, options, () => Promise.resolve()),
    RangeError,
    "Cannot load the model with a context of 32769: it was made for 32768",
  );
});

/** Ids stay ids. */
const NO_TEXT = {
  decoder: () => ({ push: () => "", flush: () => "" }),
  tokenText: () => "",
};
