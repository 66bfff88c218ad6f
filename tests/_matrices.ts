/** Random matrices in every scheme, as the GPU and as the reference take them. */

import { dequantize, dequantizeMeta, type QuantizedTensor } from "hqq-ts";
import type { Activations } from "../src/gpu/activations.ts";
import type { Gpu } from "../src/gpu/device.ts";
import { encodeFloats } from "../src/io/float.ts";
import { quantizeMatrix } from "../src/model/quantize_job.ts";
import {
  type HqqScheme,
  type MatrixLayout,
  matrixLayout,
  type Scheme,
} from "../src/ops/matrix.ts";
import { stripReading } from "../src/ops/strip.ts";
import { writeFloatMatrix, writeHqqMatrix } from "../src/ops/write_matrix.ts";
import { decodeFloats } from "../src/io/float.ts";
import type { Random } from "./_random.ts";

/** A matrix W (N, K). */
export interface TestMatrix {
  /** How it lies on the GPU. */
  readonly layout: MatrixLayout;
  /** Its bytes there. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The weights (N, K), as the reference takes them. */
  readonly weights: Float32Array;
  /**
   * The size of the numbers that kernels round (N, K): |w|, or what cancels out
   * in (code - zero) * scale.
   */
  readonly sizes: Float32Array;
  /** |scale| of each weight (N, K); 1 for floats. */
  readonly scales: Float32Array;
}

/** A shape, and the groups of HQQ matrices, which must divide it. */
export interface MatrixShape {
  readonly N: number;
  readonly K: number;
  /** Not given: those of the scheme. */
  readonly groups?: {
    readonly groupSize: number;
    /** Not used where scales are not quantized. */
    readonly scaleGroupSize: number;
  } | undefined;
}

/** Names a scheme, for test names. */
export function schemeName(scheme: Scheme): string {
  if (scheme.type !== "HQQ") return scheme.type;
  const name = `HQQ ${scheme.bits} bits`;
  if (scheme.axis === 1) return `${name} along axis 1`;
  return scheme.scaleGroupSize === null ? `${name} and plain scales` : name;
}

/**
 * Makes a random matrix.
 *
 * @param random The numbers.
 * @param shape Its shape.
 * @param scheme How its numbers are written.
 * @returns The matrix.
 */
export function randomMatrix(
  random: Random,
  { N, K, groups }: MatrixShape,
  scheme: Scheme,
): TestMatrix {
  const normal = random.normal(N * K, 0.5);
  if (scheme.type === "HQQ") return hqqMatrix(normal, { N, K, groups }, scheme);
  // A GPU may read float16 subnormals as zero.
  const kept = normal.map((w) => Math.abs(w) < 2 ** -14 ? 0 : w);
  return floatMatrix(kept, { N, K }, scheme);
}

/**
 * Makes a matrix of floats.
 *
 * @param values The weights (N, K).
 * @param shape Its shape.
 * @param scheme How its numbers are written.
 * @returns The matrix; its weights are rounded.
 */
export function floatMatrix(
  values: Float32Array,
  { N, K }: MatrixShape,
  scheme: Exclude<Scheme, HqqScheme>,
): TestMatrix {
  const layout = matrixLayout("test", [N, K], scheme);
  const bytes = new Uint8Array(layout.wordCount * 4);
  const file = encodeFloats(values, scheme.type);
  writeFloatMatrix(layout, file, bytes);
  const weights = decodeFloats(file, scheme.type);
  const scales = new Float32Array(N * K).fill(1);
  return { layout, bytes, weights, sizes: weights.map(Math.abs), scales };
}

/**
 * Makes a quantized matrix.
 *
 * @param values The weights (N, K).
 * @param shape Its shape.
 * @param scheme How its numbers are written.
 * @param edit What to change after quantizing.
 * @returns The matrix; its weights are what it means.
 */
export function hqqMatrix(
  values: Float32Array,
  { N, K, groups }: MatrixShape,
  scheme: HqqScheme,
  edit: (tensor: QuantizedTensor) => QuantizedTensor = (tensor) => tensor,
): TestMatrix {
  const isPlain = scheme.scaleGroupSize === null;
  const full: HqqScheme = {
    ...scheme,
    ...groups,
    ...(isPlain ? { scaleGroupSize: null } : {}),
  };
  const layout = matrixLayout("test", [N, K], full);
  const bytes = new Uint8Array(layout.wordCount * 4);
  const tensor = edit(
    quantizeMatrix(values, { shape: [N, K], scheme: full }),
  );
  writeHqqMatrix(layout, tensor, bytes);
  const scale = dequantizeMeta(tensor.scale); // (G, K), or (N, K / groupSize)
  const zero = dequantizeMeta(tensor.zero); // as scale
  const highest = 2 ** scheme.bits - 1;
  const sizes = new Float32Array(N * K);
  const scales = new Float32Array(N * K);
  for (let i = 0; i < sizes.length; i++) {
    const j = full.axis === 1
      ? Math.floor(i / full.groupSize)
      : Math.floor(i / K) % layout.G * K + i % K;
    scales[i] = Math.abs(scale[j]!);
    sizes[i] = (highest + Math.abs(zero[j]!)) * scales[i]!;
  }
  return { layout, bytes, weights: dequantize(tensor), sizes, scales };
}

/** What `lib/fixed*.wgsl` make of the largest of 16 numbers. */
export const FIXED_LARGEST: Readonly<Record<Activations, number>> = {
  float32: 2 ** 22 - 2 ** 16,
  int16: 127 * 256 + 127.47,
  int8: 127.49,
};

/**
 * How far W x may be off for one row of x because of `lib/fixed*.wgsl`: with strips,
 * scale[k] x[k] of 16 inputs are rounded to the unit of the largest of them.
 *
 * @param gpu The GPU.
 * @param matrix The matrix.
 * @param x The row (K).
 * @returns The bound of each output (N); zeros where no strips are read.
 */
export function fixedBound(
  gpu: Gpu,
  { layout, sizes, scales }: TestMatrix,
  x: ArrayLike<number>,
): Float64Array {
  const { N, K } = layout;
  const bounds = new Float64Array(N);
  const wanted = { layout, hasParts: true, matrixCount: 1, fills: false };
  if (stripReading(gpu, wanted) === null) return bounds;
  const fixedLargest = FIXED_LARGEST[gpu.activations];
  for (let n = 0; n < N; n++) {
    for (let k = 0; k < K; k += 16) {
      let largest = 0;
      let sum = 0; // of what they are multiplied by
      for (let i = n * K + k; i < n * K + k + 16; i++) {
        largest = Math.max(largest, scales[i]! * Math.abs(x[i - n * K]!));
        sum += scales[i] === 0 ? 0 : sizes[i]! / scales[i]!;
      }
      // Half a unit, and a little for the roundings of the unit itself.
      bounds[n]! += 0.501 * largest / fixedLargest * sum;
    }
  }
  return bounds;
}

/**
 * Brings a matrix to the GPU.
 *
 * @param gpu The GPU.
 * @param matrix The matrix.
 * @returns What ops take.
 */
export function uploadMatrix(gpu: Gpu, { layout, bytes }: TestMatrix) {
  const buffer = gpu.storageBuffer("test matrix", bytes.length);
  gpu.upload(buffer, bytes);
  return { buffer, layout };
}
