/** Quantizing one matrix: the work that goes to a worker. */

import { quantize, type QuantizedTensor } from "hqq-ts";
import { decodeFloats, type FloatDtype } from "../io/float.ts";
import type { HqqScheme, MatrixLayout } from "../ops/matrix.ts";
import { writeHqqMatrix } from "../ops/write_matrix.ts";
import { storedBytes } from "./stored_tensors.ts";

/** A matrix to quantize. All of it can be sent to a worker. */
export interface QuantizeJob {
  /** The matrix's name, for errors. */
  readonly base: string;
  /** W (N, K) as the checkpoint has it. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The type of its elements. */
  readonly dtype: FloatDtype;
  /** Output rows N and inputs K. */
  readonly shape: readonly [N: number, K: number];
  /** What to bring it to. */
  readonly scheme: HqqScheme;
  /** How it is to lie in memory, if it is not to be stored. */
  readonly layout?: MatrixLayout;
}

/** Quantizes matrices, here or elsewhere. */
export interface MatrixQuantizer {
  /**
   * Gives the bytes of the tensors that store the matrix, or those of its layout.
   * May take the job's.
   */
  run(job: QuantizeJob): Promise<Uint8Array[]>;
}

/** Quantizes matrices side by side. */
export interface ParallelQuantizer extends MatrixQuantizer {
  /** How many at a time. */
  readonly workerCount: number;
}

/**
 * Quantizes a matrix.
 *
 * @param job The matrix.
 * @returns The bytes of the tensors that store it: see `storedSpecs()`; of a job
 * with a layout, one array in this.
 * @throws {RangeError} If a weight is not finite.
 */
export function quantizeJob(
  { base, bytes, dtype, shape, scheme, layout }: QuantizeJob,
): Uint8Array[] {
  try {
    const weights = decodeFloats(bytes, dtype);
    const tensor = quantizeMatrix(weights, { shape, scheme });
    if (layout === undefined) return storedBytes(tensor, scheme);
    const laidOut = new Uint8Array(layout.wordCount * 4);
    writeHqqMatrix(layout, tensor, laidOut);
    return [laidOut];
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const state = error.message.replace(/^Cannot quantize: /, "");
    throw new RangeError(`Cannot quantize ${base}: ${state}`, { cause: error });
  }
}

/** Quantizes in this thread, which does nothing else meanwhile. */
export const IN_THREAD: MatrixQuantizer = {
  // deno-lint-ignore require-await -- it rejects where it would throw
  run: async (job) => quantizeJob(job),
};

/**
 * Quantizes a matrix as the published checkpoints were: 4-bit zeros rounded, and
 * unless the scheme has plain scales, these in groups and zeros with one scale.
 *
 * @param weights W (N, K).
 * @param options Its shape, and the scheme to bring it to.
 * @returns The quantized matrix.
 */
export function quantizeMatrix(
  weights: Float32Array,
  { shape, scheme }: { shape: readonly [number, number]; scheme: HqqScheme },
): QuantizedTensor {
  const { bits, axis, groupSize, scaleGroupSize } = scheme;
  return quantize(weights, {
    shape,
    bits,
    groupSize,
    axis,
    ...(scaleGroupSize === null ? {} : {
      quantScale: { groupSize: scaleGroupSize },
      quantZero: { groupSize: null, channelWise: false },
    }),
  });
}
