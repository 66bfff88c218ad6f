/** Models whose inputs of strips are integers of 16 or 8 bits. */

import { assert, assertEquals } from "@std/assert";
import type { LoadOptions } from "../src/engine/load_options.ts";
import type { Activations } from "../src/gpu/activations.ts";
import { maxDifference, withEngine } from "./_engine.ts";
import { Random } from "./_random.ts";
import { tinyCheckpoint } from "./_tiny_checkpoint.ts";
import {
  logitsOf,
  WIDE_CONFIG,
  WIDE_OPTIONS,
  withWideModel,
} from "./_wide_model.ts";

const SEED = 61;

/** The prompt, of the 40 tokens that run. */
const PROMPT = 17;

/** Logits of a prompt and of tokens after it. */
function run(
  directory: string,
  options: LoadOptions & { activations: Activations },
): Promise<{ logits: Float32Array; files: readonly string[] }> {
  const ids = new Random(SEED).integers(40, 61);
  return withWideModel(
    directory,
    { ...WIDE_OPTIONS, ...options },
    async (model, compiled) => ({
      logits: await logitsOf(model, ids, PROMPT),
      files: [...compiled].filter((file) => /fixed(_\d+)?\./.test(file)),
    }),
  );
}

Deno.test("load() takes activations of fewer bits for single tokens only", async () => {
  using checkpoint = await tinyCheckpoint({ seed: SEED, config: WIDE_CONFIG });
  const { logits: exact, files } = await run(checkpoint.path, {
    activations: "float32",
  });
  assertEquals(files, ["lib/fixed.wgsl"]);
  const begin = PROMPT * exact.length / 40;
  const differences = [];
  for (const activations of ["int16", "int8"] as const) {
    const { logits, files } = await run(checkpoint.path, { activations });
    const bits = activations.slice(3);
    assertEquals(files, [`lib/fixed_${bits}.wgsl`]);
    assertEquals(logits.subarray(0, begin), exact.subarray(0, begin));
    differences.push(
      maxDifference(logits.subarray(begin), exact.subarray(begin)),
    );
  }
  const [int16, int8] = differences as [number, number];
  const largest = exact.reduce((most, v) => Math.max(most, Math.abs(v)));
  const told = `${differences} of ${largest} (seed ${SEED})`;
  // Units are 257 times as large; their errors add up.
  assert(int8 > 20 * int16 && int16 > 0, told);
  assert(int8 < 0.1 * largest, told);
});

Deno.test("the offload invariance holds with int8 activations", async () => {
  using checkpoint = await tinyCheckpoint({ seed: SEED, config: WIDE_CONFIG });
  const activations = "int8";
  const { logits: expected } = await run(checkpoint.path, { activations });
  const ways: LoadOptions[] = [
    { slots: 2, residency: "gpu", prefetch: "off" },
    { slots: [3, 2], residency: "gpu", prefetch: "next-layer" },
    { slots: 3, residency: "cpu", prefetch: "next-layer" },
    { slots: [2, 5], store: "disk", policy: "lfu", prefetch: "off" },
  ];
  for (const way of ways) {
    const { logits, files } = await run(checkpoint.path, {
      ...way,
      activations,
    });
    assertEquals(logits, expected, JSON.stringify(way));
    assertEquals(files, ["lib/fixed_8.wgsl"]);
  }
});

Deno.test("load() says where activations have no effect", async () => {
  using checkpoint = await tinyCheckpoint({ seed: SEED, config: WIDE_CONFIG });
  const notices: (string | null)[] = [];
  const onActivations: LoadOptions["onActivations"] = ({ notice }) =>
    notices.push(notice);
  const directory = checkpoint.path;
  const options = { ...WIDE_OPTIONS, activations: "int8", onActivations };
  for (
    const parts of [
      {},
      { expertBits: 16 },
      { attnBits: 16, expertBits: 16 },
      { activations: "float32", expertBits: 16 },
    ]
  ) {
    const withoutGroups = { ...options, ...parts } as LoadOptions;
    for (const part of ["attn", "expert"] as const) {
      if (withoutGroups[`${part}Bits`] !== 16) continue;
      withoutGroups[`${part}GroupSize`] = undefined;
      withoutGroups[`${part}ScaleGroupSize`] = undefined;
    }
    await withWideModel(directory, withoutGroups, () => Promise.resolve());
  }
  const why =
    "only what a GPU reads in strips is computed in integers: 8 to 2 bits, along axis 0 with quantized scales or along axis 1, inputs, meta scales and groups of inputs in multiples of 16";
  const told = "--activations int8 has no effect";
  assertEquals(notices, [
    null,
    `${told} on the experts: ${why}`,
    `${told} here: ${why}`,
    null,
  ]);
});

Deno.test("load() says that activations have no effect on the CPU", async () => {
  using checkpoint = await tinyCheckpoint({ seed: SEED, config: WIDE_CONFIG });
  const notices: (string | null)[] = [];
  const options: LoadOptions = {
    ...WIDE_OPTIONS,
    activations: "int16",
    onActivations: ({ notice }) => notices.push(notice),
  };
  const adapter = await withEngine(
    checkpoint.path,
    options,
    (engine) => Promise.resolve(engine.adapter),
  );
  const isSoftware = adapter.startsWith("llvmpipe");
  assertEquals(notices, [
    isSoftware
      ? `--activations int16 has no effect here: ${adapter} is a program on the CPU, which computes in float32`
      : null,
  ]);
});
