/** Engine and `reference.ts` on models in the layouts that others write. */

import { assert, assertEquals } from "@std/assert";
import { maxDifference, withEngine } from "./_engine.ts";
import { Random } from "./_random.ts";
import { readReferenceWeights, referenceLogits } from "./_reference_weights.ts";
import { storedCheckpoint } from "./_stored_checkpoint.ts";
import { STORED_FORMATS } from "./_stored_formats.ts";

/**
 * Float32 against float64: some hundred roundings of 6e-8 in logits of up to 5.
 */
const TOLERANCE = 3e-5;

for (const { name, keepsMeta: _, ...options } of STORED_FORMATS) {
  Deno.test(`load() agrees with reference.ts on ${name}`, async () => {
    using model = await storedCheckpoint(options);
    const read = await readReferenceWeights(model.floatPath, {
      transform: (weights, { name }) => model.weights.get(name) ?? weights,
    });
    const layers = read.layers.map((layer, i) => ({
      ...layer,
      gate: model.weights.get(`model.layers.${i}.block_sparse_moe.gate`) ??
        layer.gate,
    }));
    const ids = new Random(51).integers(40, read.config.vocabSize);
    const expected = (await referenceLogits({ ...read, layers }, ids)).logits;
    const all: Float32Array[] = [];
    for (const slots of ["auto", 2] as const) { // resident, and offloaded
      await withEngine(model.path, { slots }, async (engine) => {
        for (const length of [1, ids.length]) {
          const actual = await engine.logits(ids.slice(0, length));
          const difference = maxDifference(
            actual,
            expected.subarray(0, actual.length),
          );
          assert(
            difference <= TOLERANCE,
            `logits of ${length} tokens differ by ${difference}`,
          );
          all.push(actual);
        }
      });
    }
    assertEquals(all.slice(0, 2), all.slice(2)); // to the bit
  });
}
