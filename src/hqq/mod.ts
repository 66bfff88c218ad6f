/**
 * hqq-ts: half-quadratic quantization in plain TypeScript.
 *
 * Quantizes matrices of weights to 8, 4, 3, 2 or 1 bits without calibration
 * data, and reads what HQQ of Mobius Labs and mixtral-offloading have written:
 * the same codes, the same packing, scales and zeros that are quantized
 * themselves. It needs no GPU and imports nothing.
 *
 * @example Quantize a matrix to 4 bits and back
 * ```ts
 * import { dequantize, quantize } from "hqq-ts";
 * import { assert } from "@std/assert";
 *
 * const w = Float32Array.from({ length: 128 * 32 }, (_, i) => Math.sin(i * i));
 * const tensor = quantize(w, { shape: [128, 32], bits: 4, groupSize: 64 });
 * const restored = dequantize(tensor); // (128, 32)
 *
 * const scale = 2 / 15;
 * assert(w.every((x, i) => Math.abs(restored[i]! - x) < scale));
 * ```
 *
 * @module
 */

export {
  type Bits,
  type CodeMatrixOptions,
  codesPerWord,
  type Packed,
  packedLength,
} from "./bits.ts";
export { dequantize, dequantizeMeta } from "./dequantize.ts";
export type { GroupingOptions } from "./grouping.ts";
export {
  float32ToHalves,
  fround16,
  halfToNumber,
  halvesToFloat32,
  numberToHalf,
} from "./half.ts";
export { pack, unpack } from "./pack.ts";
export { packCommon, unpackCommon } from "./pack_common.ts";
export {
  type MetaQuantizeOptions,
  quantize,
  type QuantizeOptions,
} from "./quantize.ts";
export type { QuantizedMeta, QuantizedTensor } from "./quantized_tensor.ts";
