/** A quantized matrix as it is stored: named as HQQ and mixtral-offloading do. */

import {
  dequantizeMeta,
  packedLength,
  type QuantizedMeta,
  type QuantizedTensor,
} from "hqq-ts";
import type { TensorSpec } from "../io/tensor_spec.ts";
import type { HqqScheme, MatrixLayout } from "../ops/matrix.ts";

/**
 * Tells which tensors store a quantized matrix: seven, or three where scales and
 * zeros are floats.
 *
 * @param base The name of its tensors without their ends.
 * @param layout The matrix, of an HQQ scheme.
 * @returns The tensors, in the order of {@linkcode storedBytes}.
 */
export function storedSpecs(base: string, layout: MatrixLayout): TensorSpec[] {
  const { N, K, metaCount } = layout;
  const { bits, axis, groupSize, scaleGroupSize } = layout.scheme as HqqScheme;
  const groupCount = N * K / groupSize;
  const shape = axis === 0
    ? [groupSize, groupCount] as const
    : [groupCount, groupSize] as const;
  const spec = (end: string, dtype: "I32" | "U8" | "F32", count: number) => ({
    name: `${base}.${end}`,
    dtype,
    shape: [count],
  });
  const codes = spec(
    "W_q",
    bits === 3 ? "I32" : "U8",
    packedLength({ bits, shape }),
  );
  if (scaleGroupSize === null) {
    return [
      codes,
      spec("scale", "F32", groupCount),
      spec("zero", "F32", groupCount),
    ];
  }
  return [
    codes,
    spec("meta.scale_q", "U8", groupCount),
    spec("meta.meta_scale.scale", "F32", metaCount),
    spec("meta.meta_scale.zero", "F32", metaCount),
    spec("meta.zero_q", "U8", groupCount),
    spec("meta.meta_zero.scale", "F32", 1),
    spec("meta.meta_zero.zero", "F32", 1),
  ];
}

/**
 * Gives the bytes of the tensors that store a quantized matrix.
 *
 * @param tensor The matrix.
 * @param scheme The scheme that it is stored in.
 * @returns Their bytes, in the order of {@linkcode storedSpecs}; they may share
 * the memory of `tensor`.
 */
export function storedBytes(
  { packed, scale, zero }: QuantizedTensor,
  { scaleGroupSize }: HqqScheme,
): Uint8Array[] {
  return (scaleGroupSize === null
    ? [packed, dequantizeMeta(scale), dequantizeMeta(zero)]
    : [packed, ...metaArrays(scale), ...metaArrays(zero)])
    .map(({ buffer, byteOffset, byteLength }) =>
      new Uint8Array(buffer, byteOffset, byteLength)
    );
}

function metaArrays(values: Float32Array | QuantizedMeta) {
  const { packed, scale, zero } = values as QuantizedMeta;
  return [packed, scale, zero];
}
