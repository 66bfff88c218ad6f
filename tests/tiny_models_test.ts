/** Engine and `reference.ts` on random models of odd shapes. */

import { dequantize } from "hqq-ts";
import { assert, assertEquals } from "@std/assert";
import type { LoadOptions } from "../mod.ts";
import { quantizeMatrix } from "../src/model/quantize_job.ts";
import type { HqqScheme } from "../src/ops/matrix.ts";
import { maxDifference, withEngine } from "./_engine.ts";
import { Random } from "./_random.ts";
import {
  type MatrixInfo,
  readReferenceWeights,
  referenceLogits,
} from "./_reference_weights.ts";
import { tinyCheckpoint, type TinyOptions } from "./_tiny_checkpoint.ts";

/**
 * Float32 against float64: some hundred roundings of 6e-8 in logits of up to 5.
 */
const TOLERANCE = 3e-5;

const MODELS: readonly (TinyOptions & { what: string })[] = [
  {
    what: "grouped query attention in BF16 and 3 shards",
    seed: 21,
    dtype: "BF16",
    shardCount: 3,
  },
  {
    what: "plain multi-head attention, one layer, tied embeddings",
    seed: 22,
    config: {
      "num_key_value_heads": 4,
      "num_hidden_layers": 1,
      "tie_word_embeddings": true,
    },
  },
  {
    what: "multi query attention, a window of 5, one expert a token",
    seed: 23,
    config: {
      "num_key_value_heads": 1,
      "sliding_window": 5,
      "num_experts_per_tok": 1,
    },
  },
  {
    what: "head_dim apart, a window of more than a tile, all of 3 experts",
    seed: 24,
    config: {
      "head_dim": 10,
      "num_attention_heads": 6,
      "sliding_window": 35,
      "num_local_experts": 3,
      "num_experts_per_tok": 3,
    },
  },
  {
    what: "a single expert and a single word",
    seed: 29,
    config: {
      "num_local_experts": 1,
      "num_experts_per_tok": 1,
      "vocab_size": 1,
    },
  },
  {
    what: "sizes that are no multiple of 4",
    seed: 30,
    config: {
      "hidden_size": 27,
      "head_dim": 6,
      "num_attention_heads": 3,
      "num_key_value_heads": 3,
      "intermediate_size": 49,
      "vocab_size": 131,
    },
  },
  {
    what: "more experts than a workgroup has lanes",
    seed: 31,
    config: { "num_local_experts": 70, "num_experts_per_tok": 5 },
  },
  {
    what: "F16, tied, of sizes that are no multiple of 4",
    seed: 33,
    dtype: "F16",
    config: {
      "hidden_size": 30,
      "num_attention_heads": 3,
      "num_key_value_heads": 1,
      "intermediate_size": 37,
      "tie_word_embeddings": true,
    },
  },
];

for (const { what, ...options } of MODELS) {
  Deno.test(`load() agrees with reference.ts on ${what}`, async () => {
    using model = await tinyCheckpoint(options);
    await assertAgree(model.path, { seed: options.seed! });
  });
}

Deno.test("load() gives the same logits for one file and for shards", async () => {
  const ids = new Random(34).integers(40, 61);
  const all = [];
  for (const shardCount of [1, 4]) {
    using model = await tinyCheckpoint({ shardCount });
    all.push(await withEngine(model.path, {}, (e) => e.logits(ids)));
  }
  assertEquals(all[0], all[1]);
});

/** Small groups; 3-bit groups of 8 do not fill a word of 10. */
const QUANTIZED: readonly (LoadOptions & { seed: number })[] = [
  {
    seed: 41,
    attnBits: 4,
    attnGroupSize: 16,
    attnScaleGroupSize: 32,
    expertBits: 2,
    expertGroupSize: 16,
    expertScaleGroupSize: 48,
  },
  {
    seed: 42,
    attnBits: 4,
    attnGroupSize: 8,
    attnScaleGroupSize: 64,
    expertBits: 3,
    expertGroupSize: 8,
    expertScaleGroupSize: 64,
  },
  {
    seed: 43,
    attnBits: 8,
    attnGroupSize: 16,
    attnScaleGroupSize: 16,
    expertBits: 8,
    expertGroupSize: 16,
    expertScaleGroupSize: 32,
  },
  {
    seed: 45,
    attnBits: 2,
    attnGroupSize: 4,
    attnScaleGroupSize: 1,
    expertBits: 4,
    expertGroupSize: 2,
    expertScaleGroupSize: 128,
  },
];

for (const { seed, ...options } of QUANTIZED) {
  const { attnBits, expertBits } = options;
  Deno.test(`load() agrees with reference.ts at ${attnBits} and ${expertBits} bits`, async () => {
    using model = await tinyCheckpoint({ seed });
    await assertAgree(model.path, { seed, options });
  });
}

/** One token, some, and many; the reference with quantized weights if asked. */
async function assertAgree(
  path: string,
  { seed, options = {} }: { seed: number; options?: LoadOptions },
): Promise<void> {
  const weights = await readReferenceWeights(path, {
    transform: (matrix, info) => quantizedAndBack(matrix, info, options),
  });
  await withEngine(path, options, async (engine) => {
    const ids = new Random(seed).integers(100, engine.config.vocabSize);
    const expected = (await referenceLogits(weights, ids)).logits;
    for (const length of [1, 5, ids.length]) {
      const actual = await engine.logits(ids.slice(0, length));
      const difference = maxDifference(
        actual,
        expected.subarray(0, actual.length),
      );
      assert(
        difference <= TOLERANCE,
        `logits of ${length} tokens differ by ${difference} (seed ${seed})`,
      );
    }
  });
}

function quantizedAndBack(
  weights: Float32Array,
  { part, shape }: MatrixInfo,
  options: LoadOptions,
): Float32Array {
  const [bits, groupSize, scaleGroupSize] = part === "attn"
    ? [options.attnBits, options.attnGroupSize, options.attnScaleGroupSize]
    : [
      options.expertBits,
      options.expertGroupSize,
      options.expertScaleGroupSize,
    ];
  if (bits === undefined || bits === 16) return weights;
  const scheme: HqqScheme = {
    type: "HQQ",
    bits,
    axis: 0,
    groupSize: groupSize!,
    scaleGroupSize: scaleGroupSize!,
  };
  return dequantize(quantizeMatrix(weights, { shape, scheme }));
}
