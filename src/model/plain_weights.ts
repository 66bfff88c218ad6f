/** Weights as the checkpoint has them, before they are laid out for kernels. */

import { dequantize, type QuantizedTensor } from "hqq-ts";
import { decodeFloats, type FloatDtype } from "../io/float.ts";
import { matvec, matvec32 } from "./plain_math.ts";
import type { Part } from "./quantization.ts";

/** A matrix W (N, K) of floats of any type. */
export interface FloatMatrix {
  /** Output rows N and inputs K. */
  readonly shape: readonly [N: number, K: number];
  /** The type of its elements. */
  readonly dtype: FloatDtype;
  /** Its elements, row by row. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A matrix W (N, K): quantized, or floats. All of it can be sent to a worker. */
export type PlainMatrix = QuantizedTensor | FloatMatrix;

/** Where plain weights come from. */
export interface PlainReader {
  /**
   * Reads a matrix, by its tensor's name without `.weight`; those of no part are
   * never quantized.
   */
  readPlain(
    base: string,
    shape: readonly [number, number],
    part: Part | null,
  ): Promise<PlainMatrix>;
  /** Reads a vector or a small matrix as float32. */
  readFloats(name: string, shape: readonly number[]): Promise<Float32Array>;
}

/** A row of a pass; what is made of a row of float32 is rounded to float32. */
export type Row = Float64Array<ArrayBuffer> | Float32Array<ArrayBuffer>;

/**
 * Computes the weights of a matrix.
 *
 * @param matrix The matrix.
 * @returns W (N, K), row by row.
 */
export function plainWeights(matrix: PlainMatrix): Float32Array<ArrayBuffer> {
  return "dtype" in matrix
    ? decodeFloats(matrix.bytes, matrix.dtype)
    : dequantize(matrix);
}

/** Multiplies rows by a matrix, here or elsewhere: y (N) = W x (K) of each. */
export type Multiply = (
  matrix: PlainMatrix,
  xs: readonly Row[],
) => Promise<Row[]>;

/**
 * Multiplies rows by weights.
 *
 * @param weights W (N, K).
 * @param xs Rows (K).
 * @returns W x (N) of each; of a row of float32 in float32.
 */
export function multiplyRows(
  weights: Float32Array,
  xs: readonly Row[],
): Row[] {
  return xs.map((x) =>
    x instanceof Float32Array ? matvec32(weights, x) : matvec(weights, x)
  );
}
