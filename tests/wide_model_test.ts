/**
 * A whole model through the kernels that only GPUs take, wherever this runs:
 * strips, attention with rotation, wide tiles, routings in host memory.
 */

import { assert, assertEquals } from "@std/assert";
import { quantizeModel } from "../mod.ts";
import type { LoadOptions } from "../src/engine/load_options.ts";
import type { KernelSource } from "../src/gpu/kernel.ts";
import { quantizeMatrix } from "../src/model/quantize_job.ts";
import { SPLIT_FROM } from "../src/ops/attention_split.ts";
import { dequantize } from "hqq-ts";
import { maxDifference } from "./_engine.ts";
import { Random } from "./_random.ts";
import { readReferenceWeights, referenceLogits } from "./_reference_weights.ts";
import { tempDirectory, tinyCheckpoint } from "./_tiny_checkpoint.ts";
import {
  logitsOf,
  WIDE_CONFIG,
  WIDE_OPTIONS,
  withWideModel,
} from "./_wide_model.ts";

const SEED = 51;

/** Float32 against float64, as in tiny_models_test.ts. */
const TOLERANCE = 3e-5;

const KERNELS = [
  "matvec_strip.wgsl",
  "expert_up_strip.wgsl",
  "attention_decode.wgsl",
  "attention_wide.wgsl",
  "matmul_wide.wgsl",
];

Deno.test("Mixtral on a GPU agrees with reference.ts, in prefill and decode", async () => {
  using checkpoint = await tinyCheckpoint({ seed: SEED, config: WIDE_CONFIG });
  const weights = await readReferenceWeights(checkpoint.path, {
    transform: (matrix, { shape, part }) =>
      dequantize(quantizeMatrix(matrix, {
        shape,
        scheme: {
          type: "HQQ",
          bits: part === "attn" ? 4 : 2,
          axis: 0,
          groupSize: 16,
          scaleGroupSize: 8,
        },
      })),
  });
  await withWideModel(
    checkpoint.path,
    WIDE_OPTIONS,
    async (model, compiled) => {
      const ids = new Random(SEED).integers(90, model.config.vocabSize);
      const expected = (await referenceLogits(weights, ids)).logits;
      for (const prompt of [0, 70]) {
        const difference = maxDifference(
          await logitsOf(model, ids, prompt),
          expected,
        );
        assert(
          difference <= TOLERANCE,
          `logits differ by ${difference} after a prompt of ${prompt} (seed ${SEED})`,
        );
      }
      for (const kernel of KERNELS) {
        assert(compiled.has(kernel), `${kernel} was not compiled`);
      }
    },
  );
});

Deno.test("Mixtral on a GPU gives the same bits with any slots, store and prefetch", async () => {
  using checkpoint = await tinyCheckpoint({ seed: SEED, config: WIDE_CONFIG });
  const ids = new Random(SEED + 1).integers(60, 61);
  const run = (options: LoadOptions) =>
    withWideModel(
      checkpoint.path,
      { ...WIDE_OPTIONS, ...options },
      async (model, compiled) => {
        const logits = await logitsOf(model, ids, 33);
        const stages = options.prefetch === "next-layer" &&
          options.residency === "gpu";
        assertEquals(compiled.has("lib/miss_staged.wgsl"), stages);
        if (!stages) return logits;
        assert(compiled.has("expert_up_strip.wgsl"));
        const { layers } = model.offloadStats!.snapshot();
        assert(layers.some(({ byteLengths }) => byteLengths.prefetchUsed > 0));
        return logits;
      },
    );
  const expected = await run({});
  const ways: LoadOptions[] = [
    { slots: 2, prefetch: "off", residency: "cpu" },
    { slots: 2, prefetch: "off", residency: "gpu" },
    { slots: [3, 2], policy: "class-lru", prefetch: "off", residency: "gpu" },
    { slots: 3, prefetch: "next-layer", residency: "cpu" },
    { slots: 3, prefetch: "next-layer", residency: "gpu" },
    { slots: [2, 5], policy: "lfu", prefetch: "off" },
    { slots: 2, store: "array-buffer", prefetch: "off" },
    { slots: 4, store: "disk", policy: "class-lru" },
  ];
  for (const way of ways) {
    assertEquals(await run(way), expected, JSON.stringify(way));
  }
});

Deno.test("Mixtral on a GPU gives the same bits with strips along axis 1, and of 3 bits", async () => {
  using checkpoint = await tinyCheckpoint({ seed: SEED, config: WIDE_CONFIG });
  using place = tempDirectory();
  const axis1 = `${place.path}/axis1`;
  const bits = { attnBits: 4, expertBits: 4 } as const;
  await quantizeModel(checkpoint.path, axis1, {
    ...bits,
    axis: 1,
    groupSize: 64,
  });
  const threeBits: LoadOptions = { ...WIDE_OPTIONS, expertBits: 3 };
  const ids = new Random(SEED + 1).integers(45, 61);
  for (
    const [directory, options, file] of [
      [axis1, {}, "lib/share_64.wgsl"],
      [checkpoint.path, threeBits, "lib/strip_u3.wgsl"],
    ] as const
  ) {
    const run = (way: LoadOptions) =>
      withWideModel(
        directory,
        { ...options, ...way },
        async (model, compiled) => {
          const logits = await logitsOf(model, ids, 33);
          for (const name of ["qkv_strip.wgsl", "expert_up_strip.wgsl", file]) {
            assert(compiled.has(name), `${name} was not compiled`);
          }
          // Slots are filled by what products read.
          const isOnGpu = way.residency === "gpu";
          assertEquals(compiled.has("lib/weights_fill.wgsl"), isOnGpu);
          assert(!compiled.has("fetch.wgsl"));
          return logits;
        },
      );
    const expected = await run({});
    const ways: LoadOptions[] = [
      { slots: 2, prefetch: "off", residency: "cpu" },
      { slots: 2, residency: "gpu" },
      { slots: 3, prefetch: "next-layer", residency: "gpu" },
    ];
    for (const way of ways) {
      assertEquals(await run(way), expected, JSON.stringify(way));
    }
  }
});

const LONG_CONFIG = {
  ...WIDE_CONFIG,
  "max_position_embeddings": SPLIT_FROM + 64,
};

Deno.test("Mixtral on a GPU decodes long contexts as it prefills them", async () => {
  using checkpoint = await tinyCheckpoint({ seed: SEED, config: LONG_CONFIG });
  await withWideModel(
    checkpoint.path,
    WIDE_OPTIONS,
    async (model, compiled) => {
      const { vocabSize } = model.config;
      const ids = new Random(SEED + 2).integers(SPLIT_FROM + 9, vocabSize);
      const prompt = SPLIT_FROM - 9;
      const decoded = await logitsOf(model, ids, prompt);
      const prefilled = await logitsOf(model, ids, ids.length);
      const difference = maxDifference(decoded, prefilled);
      assert(
        difference <= TOLERANCE,
        `logits differ by ${difference} (seed ${SEED + 2})`,
      );
      assert(compiled.has("attention_part.wgsl"));
      assert(compiled.has("attention_merge.wgsl"));
    },
  );
});

Deno.test("Mixtral on a GPU gives the same bits of long contexts with any slots", async () => {
  using checkpoint = await tinyCheckpoint({ seed: SEED, config: LONG_CONFIG });
  const ids = new Random(SEED + 4).integers(SPLIT_FROM + 7, 61);
  const run = (options: LoadOptions) =>
    withWideModel(
      checkpoint.path,
      { ...WIDE_OPTIONS, ...options },
      async (model, compiled) => {
        const logits = await logitsOf(model, ids, SPLIT_FROM - 3);
        assert(compiled.has("attention_merge.wgsl"));
        return logits;
      },
    );
  const expected = await run({});
  const ways: LoadOptions[] = [
    { slots: 2, residency: "gpu", prefetch: "off" },
    { slots: 3, residency: "cpu", prefetch: "next-layer" },
    { slots: [2, 4], store: "disk" },
  ];
  for (const way of ways) {
    assertEquals(await run(way), expected, JSON.stringify(way));
  }
});

Deno.test("Mixtral on a GPU splits what a token sees by nothing but its position", async () => {
  using checkpoint = await tinyCheckpoint({ seed: SEED, config: LONG_CONFIG });
  const ids = new Random(SEED + 3).integers(SPLIT_FROM + 2, 61);
  const first = SPLIT_FROM - 3;
  /** The logits of the last 5 tokens, and of the last one after a run ahead. */
  const run = (factor: string) => {
    // What was merged shows.
    const edit = (source: KernelSource) =>
      source.name === "attention_merge.wgsl"
        ? { ...source, code: source.code.replace("/ merged.total", factor) }
        : source;
    return withWideModel(
      checkpoint.path,
      { ...WIDE_OPTIONS, edit },
      async (model) => {
        const last = ids.length - 1;
        await model.forward(ids.slice(0, first), 0);
        const logits: Float32Array[] = [];
        for (let at = first; at <= last; at++) {
          logits.push(await model.forward([ids[at]!], at));
        }
        await model.pickAhead(ids[first]!, {
          position: first,
          count: last - first,
          told: ids.slice(first + 1, last),
        });
        return { logits, ahead: await model.forward([ids[last]!], last) };
      },
    );
  };
  const right = await run("/ merged.total");
  const wrong = await run("* 1234.5");
  for (const [i, logits] of wrong.logits.entries()) {
    const isSplit = first + i + 1 >= SPLIT_FROM; // it sees itself, too
    const difference = maxDifference(logits, right.logits[i]!);
    assertEquals(difference > 0, isSplit, `token ${first + i}`);
  }
  // It reads keys and values of all before.
  assertEquals(wrong.ahead, wrong.logits.at(-1));
  assertEquals(right.ahead, right.logits.at(-1));
});
