/** Products on hard numbers: flat groups, zero rows, subnormal scales and weights. */

import { assert, assertEquals } from "@std/assert";
import type { QuantizedMeta, QuantizedTensor } from "hqq-ts";
import type { Gpu, GpuOptions } from "../src/gpu/device.ts";
import { add, matvec } from "../src/model/plain_math.ts";
import { linear } from "../src/ops/linear.ts";
import type { HqqScheme } from "../src/ops/matrix.ts";
import { embed } from "../src/ops/embed.ts";
import { makeRows } from "../src/ops/op.ts";
import { makeStepBuffers } from "../src/ops/step.ts";
import { assertWithin, magnitudes, sumShare } from "./_bounds.ts";
import { count } from "./_counts.ts";
import { gpuTest, makeReader, runOps, STRIPS, upload } from "./_gpu.ts";
import { uploadRows } from "./_gpu.ts";
import { padRows64 } from "./_linear_check.ts";
import {
  fixedBound,
  floatMatrix,
  hqqMatrix,
  schemeName,
  type TestMatrix,
  uploadMatrix,
} from "./_matrices.ts";
import { Random } from "./_random.ts";

const SEED = 41;

const seededTest: typeof gpuTest = (name, ...rest) =>
  gpuTest(`${name}, seed ${SEED}`, ...rest);
const [N, K] = [64, 64];
const GROUPS = { groupSize: 16, scaleGroupSize: 16 };

/** Below it float32 has subnormals, which GPUs may take for zero. */
const LEAST_NORMAL = 2 ** -126;

/** Schemes that take different files, by how the GPU is opened. */
const SCHEMES: readonly [GpuOptions, HqqScheme][] = ([
  [{}, 2, 0, 16],
  [{}, 4, 0, null],
  [{}, 3, 1, null],
  [STRIPS, 2, 0, 16],
  [STRIPS, 4, 1, null],
] as const).map(([options, bits, axis, scaleGroupSize]) => [
  options,
  { type: "HQQ", bits, axis, groupSize: 16, scaleGroupSize },
]);

/** Weights whose rows, columns and groups are of one value, or nearly. */
function hardWeights(random: Random): Float32Array<ArrayBuffer> {
  const w = random.normal(N * K);
  const flat = [0, 0.5, -3, 1e-6, -1e-6, 1e-40, 1e4];
  for (let i = 0; i < w.length; i++) {
    const [n, k] = [Math.floor(i / K), i % K];
    // Groups along axis 0 have a residue of rows in common, along axis 1 a row.
    if (k % 4 === 1) w[i] = flat[Math.floor(k / 4) % flat.length]!;
    if (n % 4 === 1) w[i] = flat[Math.floor(n / 4) % flat.length]!;
    if (n % 16 === 2 || k === 40) w[i] = 0;
    if (n === 3) w[i] = w[i]! * 1e-6;
    if (n === 7 && k === 7) w[i] = 1e6;
  }
  return w;
}

/** Makes some scales and zeros subnormal. */
function subnormal(tensor: QuantizedTensor): QuantizedTensor {
  const some = (values: Float32Array, value: number) =>
    values.map((v, i) => i % 3 === 0 ? value : v);
  const { scale, zero } = tensor;
  if (scale instanceof Float32Array) {
    return {
      ...tensor,
      scale: some(scale, 1e-40),
      zero: some(zero as Float32Array, 2e-39),
    };
  }
  const meta: QuantizedMeta = { ...scale, scale: some(scale.scale, 1e-40) };
  return { ...tensor, scale: meta };
}

for (const [options, scheme] of SCHEMES) {
  const where = options === STRIPS ? "in strips" : "by row";
  seededTest(
    `linear() takes flat groups, zero rows and subnormal scales ${where} with ${
      schemeName(scheme)
    }`,
    async ({ gpu }) => {
      const random = new Random(SEED);
      const weights = hardWeights(random);
      const shape = { N, K, groups: GROUPS };
      const matrices = [
        hqqMatrix(weights, shape, scheme),
        hqqMatrix(weights.map((w) => w * 1e-30), shape, scheme),
        hqqMatrix(new Float32Array(N * K), shape, scheme),
        hqqMatrix(weights, shape, scheme, subnormal),
      ];
      const inputs = [
        random.normal(K),
        random.normal(K).map((v) => v * 1e15),
        random.normal(K).map((v) => v * 1e-38),
        new Float32Array(K),
      ];
      for (const [i, matrix] of matrices.entries()) {
        assert(matrix.weights.every(Number.isFinite), `matrix ${i}`);
        await checkProducts(gpu, matrix, inputs);
        count("numbers", "cases tried", 2 * inputs.length);
      }
    },
    options,
  );
}

/** Each row by itself, and all of them together. */
async function checkProducts(
  gpu: Gpu,
  matrix: TestMatrix,
  inputs: readonly Float32Array[],
): Promise<void> {
  const x = uploadRows(gpu, inputs.flatMap((row) => [...row]), K);
  const y = makeRows(gpu, "y", [inputs.length, N]);
  const step = makeStepBuffers(gpu, inputs.length);
  const uploaded = uploadMatrix(gpu, matrix);
  const op = await linear(gpu, { matrix: uploaded, x, y, step: step.step });
  using reader = await makeReader(gpu, y.buffer.size);
  const boundOf = (row: Float32Array) => {
    const sizes = matvec(matrix.sizes, magnitudes(row))
      .map((v) => v * sumShare(K));
    // A subnormal factor may be flushed: all that it would have given.
    const codes = matrix.sizes.map((v, i) =>
      matrix.scales[i]! === 0 ? 0 : v / matrix.scales[i]!
    );
    const flushed = matvec(codes, magnitudes(row))
      .map((v) => 2 * v * LEAST_NORMAL + K * 2 * LEAST_NORMAL);
    // lib/fixed.wgsl has no units for numbers below 1e-30: scale x, or x.
    const factors = codes.map((v, i) => Math.max(v, matrix.sizes[i]!));
    const tiny = matvec(factors, new Float32Array(K).fill(1))
      .map((v) => v * 1e-30 / 2 ** 21);
    return add(add(add(sizes, flushed), tiny), fixedBound(gpu, matrix, row));
  };
  runOps(gpu, [op], { step, tokenCount: inputs.length });
  assertWithin(
    await reader.floats(y.buffer),
    padRows64(inputs.map((row) => matvec(matrix.weights, row)), y.stride),
    { what: "many rows", bounds: padRows64(inputs.map(boundOf), y.stride) },
  );
  for (const row of inputs) {
    const bytes = new Uint8Array(row.slice().buffer);
    gpu.upload(x.buffer, bytes);
    runOps(gpu, [op], { step, tokenCount: 1 });
    assertWithin(
      (await reader.floats(y.buffer)).subarray(0, N),
      matvec(matrix.weights, row),
      { what: "one row", bounds: boundOf(row) },
    );
  }
}

seededTest(
  "embed() reads float16 subnormals as they are or as zero",
  async ({ gpu }) => {
    const random = new Random(SEED);
    const least = 2 ** -24;
    const values = Float32Array.from(
      { length: N * K },
      () => (random.integer(2047) - 1023) * least,
    );
    const matrix = floatMatrix(values, { N, K }, { type: "F16" });
    assertEquals(matrix.weights, values);
    const x = makeRows(gpu, "x", [1, K]);
    const step = makeStepBuffers(gpu, 1);
    const op = await embed(gpu, {
      matrix: uploadMatrix(gpu, matrix),
      tokens: upload(gpu, Uint32Array.of(5)),
      x,
    });
    using reader = await makeReader(gpu, x.buffer.size);
    runOps(gpu, [op], { step, tokenCount: 1 });
    const row = (await reader.floats(x.buffer)).subarray(0, K);
    const isExact = row.every((v, k) => v === values[5 * K + k]);
    assert(isExact || row.every((v) => v === 0), `${row}`);
    count("numbers", "cases tried", 1);
  },
);
