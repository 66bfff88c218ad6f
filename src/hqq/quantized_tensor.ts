/**
 * A quantized matrix as a plain object.
 *
 * @module
 */

import {
  type Bits,
  checkCodeMatrix,
  checkPacked,
  type CodeMatrixOptions,
  type Packed,
} from "./bits.ts";
import { type Grouping, groupingOf, type GroupingOptions } from "./grouping.ts";

/**
 * A quantized matrix W (N, K): `w = (code - zero) * scale`, group by group.
 *
 * A plain object that nothing here changes. Build one by hand to decode a
 * checkpoint; `dequantize` checks that its parts fit together.
 *
 * @example The parts of a checkpoint, scale and zero quantized themselves
 * ```ts
 * import { dequantize, type QuantizedTensor } from "hqq-ts";
 * import { assertEquals } from "@std/assert";
 *
 * const meta = { bits: 8, axis: 0, shape: [1, 2] } as const;
 * const tensor: QuantizedTensor = {
 *   shape: [4, 2],
 *   bits: 2,
 *   groupSize: 4,
 *   axis: 0,
 *   channelWise: true,
 *   packed: Uint8Array.of(0b00_01_10_11, 0b11_11_00_00), // (1, 2)
 *   scale: {
 *     ...meta,
 *     groupSize: 2,
 *     channelWise: true,
 *     packed: Uint8Array.of(3, 5), // (2, 1)
 *     scale: Float32Array.of(0.5),
 *     zero: Float32Array.of(1),
 *   },
 *   zero: {
 *     ...meta,
 *     groupSize: null,
 *     channelWise: false,
 *     packed: Uint8Array.of(1, 3), // (1, 2)
 *     scale: Float32Array.of(0.5),
 *     zero: Float32Array.of(1),
 *   },
 * };
 * assertEquals(
 *   dequantize(tensor),
 *   Float32Array.of(0, 4, 1, 4, 2, -2, 3, -2), // (4, 2)
 * );
 * ```
 */
export interface QuantizedTensor extends GroupingOptions {
  /** Bits of a code. */
  readonly bits: Bits;
  /** Codes of the grouped matrix in block layout: see `pack`. */
  readonly packed: Packed;
  /** One for each group, plain or themselves quantized. */
  readonly scale: Float32Array | QuantizedMeta;
  /** One for each group, plain or themselves quantized. */
  readonly zero: Float32Array | QuantizedMeta;
}

/**
 * Scales or zeros that are themselves quantized.
 *
 * With C groups in the matrix they are a matrix (1, C) if its axis is 0, else
 * (C, 1), quantized along axis 0 whatever the axis of the matrix.
 */
export interface QuantizedMeta extends QuantizedTensor {
  /** One for each group of the scales or zeros. */
  readonly scale: Float32Array;
  /** One for each group of the scales or zeros. */
  readonly zero: Float32Array;
}

/**
 * Works out the groups of a quantized matrix, and that its parts fit together.
 *
 * @param tensor A quantized matrix.
 * @returns The groups, and what `unpack` needs to know of them.
 */
export function checkTensor(
  tensor: QuantizedTensor,
): { grouping: Grouping; codes: CodeMatrixOptions } {
  const grouping = groupingOf("dequantize", tensor);
  const codes = { bits: tensor.bits, shape: grouping.shape };
  checkCodeMatrix("dequantize", codes);
  checkPacked(tensor.packed, codes);
  checkMeta("scale", { meta: tensor.scale, wanted: grouping.groupCount });
  checkMeta("zero", { meta: tensor.zero, wanted: grouping.groupCount });
  return { grouping, codes };
}

/** Throws unless there is one scale or zero for each group. */
function checkMeta(
  name: "scale" | "zero",
  options: { meta: Float32Array | QuantizedMeta; wanted: number },
): void {
  const { meta, wanted } = options;
  const length = meta instanceof Float32Array
    ? meta.length
    : meta.shape[0] * meta.shape[1];
  if (length !== wanted) {
    throw new RangeError(
      `Cannot dequantize: ${name} has ${length} values, wanted one for each of ${wanted} groups`,
    );
  }
}
