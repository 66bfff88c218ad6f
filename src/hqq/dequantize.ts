/**
 * From codes back to weights.
 *
 * @module
 */

import { unpack } from "./pack.ts";
import {
  checkTensor,
  type QuantizedMeta,
  type QuantizedTensor,
} from "./quantized_tensor.ts";

/**
 * Computes the weights `w = (code - zero) * scale` of a quantized matrix.
 *
 * Each step is rounded to float32, as the reference does on a CPU in float32
 * (`Quantizer.dequantize` in hqq/core/quantize.py); v0.1.1 rounds to float16
 * instead. Quantized scales and zeros are dequantized first.
 *
 * @param tensor A quantized matrix.
 * @returns W (N, K), row by row.
 *
 * @example
 * ```ts
 * import { dequantize, quantize } from "hqq-ts";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const w = Float32Array.from({ length: 64 * 8 }, (_, i) => Math.sin(i));
 * const restored = dequantize(quantize(w, { shape: [64, 8], bits: 8 }));
 * w.forEach((x, i) => assertAlmostEquals(restored[i]!, x, 0.01));
 * ```
 */
export function dequantize(tensor: QuantizedTensor): Float32Array<ArrayBuffer> {
  const { grouping, codes: codeMatrix } = checkTensor(tensor);
  const { shape: [rows, columns], rowStride, columnStride } = grouping;
  const codes = unpack(tensor.packed, codeMatrix); // (rows, columns)
  const scale = dequantizeMeta(tensor.scale); // (groupCount)
  const zero = dequantizeMeta(tensor.zero); // (groupCount)

  const w = new Float32Array(codes.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const i = row * columns + column;
      const group = row * rowStride + column * columnStride;
      w[i] = Math.fround(codes[i]! - zero[group]!) * scale[group]!;
    }
  }
  return w;
}

/**
 * Computes the scales or zeros of a quantized matrix.
 *
 * @param meta `tensor.scale` or `tensor.zero`.
 * @returns One number for each group: group `j` is column `j` of the grouped
 * matrix for axis 0, row `j` for axis 1. Plain ones come back as they are, not
 * copied.
 *
 * @example
 * ```ts
 * import { dequantizeMeta, quantize } from "hqq-ts";
 * import { assertEquals } from "@std/assert";
 *
 * const w = Float32Array.from({ length: 64 * 8 }, (_, i) => Math.sin(i));
 * const tensor = quantize(w, { shape: [64, 8], bits: 4, quantZero: {} });
 * assertEquals(dequantizeMeta(tensor.zero).length, 8);
 * ```
 */
export function dequantizeMeta(
  meta: Float32Array | QuantizedMeta,
): Float32Array {
  return meta instanceof Float32Array ? meta : dequantize(meta);
}
