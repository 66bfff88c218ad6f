/** From weights to bytes in the layout of `matrix.ts`. */

import { dequantizeMeta, pack, type QuantizedTensor, unpack } from "hqq-ts";
import type { HqqScheme, MatrixLayout } from "./matrix.ts";
import { padded } from "./padded.ts";

/**
 * Writes a float matrix in its layout.
 *
 * @param layout The layout.
 * @param bytes The weights (N, K), row by row, in the layout's type.
 * @param into Where to, `layout.wordCount * 4` bytes, all zero.
 */
export function writeFloatMatrix(
  layout: MatrixLayout,
  bytes: Uint8Array,
  into: Uint8Array,
): void {
  copyRows(bytes, bytes.length / layout.N, into, layout.rowWords * 4);
}

/**
 * Writes an HQQ matrix in its layout. Scales and zeros that are quantized in
 * another way than the layout's are dequantized: their values stay the same.
 *
 * @param layout The layout.
 * @param tensor The matrix, of the same bits, axis and group size.
 * @param into Where to, `layout.wordCount * 4` bytes, all zero.
 * @throws {TypeError} If the layout wants 8-bit codes of scales that are floats.
 */
export function writeHqqMatrix(
  layout: MatrixLayout,
  tensor: QuantizedTensor,
  into: Uint8Array,
): void {
  const { K, rowWords, metaCount } = layout;
  const { axis, scaleGroupSize } = layout.scheme as HqqScheme;
  const { scale, zero } = tensor;
  const part = (at: number) => into.subarray(at * 4);
  const packed = axis === 0 ? tensor.packed : packedRows(layout, tensor);
  copyRows(bytesOf(packed), K * packed.BYTES_PER_ELEMENT, into, rowWords * 4);
  if (scaleGroupSize === null) {
    // Along axis 1 they have no rows to pad.
    const stride = 4 * (axis === 0 ? padded(K) : K);
    const scales = bytesOf(dequantizeMeta(scale));
    copyRows(scales, 4 * K, part(layout.scaleAt), stride);
    copyRows(bytesOf(dequantizeMeta(zero)), 4 * K, part(layout.zeroAt), stride);
    return;
  }
  if (scale instanceof Float32Array || zero instanceof Float32Array) {
    throw new TypeError(
      "Cannot lay out a matrix: its scales are floats, wanted 8-bit codes",
    );
  }
  const stride = padded(K);
  copyRows(bytesOf(scale.packed), K, part(layout.scaleAt), stride);
  copyRows(bytesOf(zero.packed), K, part(layout.zeroAt), stride);
  const meta = new Float32Array(2 * metaCount + 2);
  meta.set(scale.scale, 0);
  meta.set(scale.zero, metaCount);
  meta.set([zero.scale[0]!, zero.zero[0]!], 2 * metaCount);
  part(layout.metaAt).set(bytesOf(meta));
}

/**
 * Codes of axis 1 with whole output rows in a packed row: HQQ packs the rows
 * (N * K / groupSize, groupSize), which gives the same words where the codes of a
 * word divide N, and others where it pads.
 */
function packedRows(
  { N, K, P, codesPerWord, scheme }: MatrixLayout,
  { bits, packed }: QuantizedTensor,
): QuantizedTensor["packed"] {
  if (N % codesPerWord === 0) return packed;
  const { groupSize } = scheme as HqqScheme;
  const codes = unpack(packed, { bits, shape: [N * K / groupSize, groupSize] });
  const whole = new Uint8Array(P * codesPerWord * K);
  whole.set(codes);
  return pack(whole, { bits, shape: [P * codesPerWord, K] });
}

function bytesOf(array: Uint8Array | Int32Array | Float32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** Copies rows of `width` bytes to rows of `stride` bytes. */
function copyRows(
  from: Uint8Array,
  width: number,
  to: Uint8Array,
  stride: number,
): void {
  if (width === stride) return to.set(from);
  for (let row = 0; row * width < from.length; row++) {
    to.set(from.subarray(row * width, (row + 1) * width), row * stride);
  }
}
