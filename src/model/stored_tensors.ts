/** A quantized matrix as it is stored: named as mixtral-offloading's are. */

import type { QuantizedMeta, QuantizedTensor } from "hqq-ts";
import type { TensorSpec } from "../io/tensor_spec.ts";
import type { HqqScheme, MatrixLayout } from "../ops/matrix.ts";
import { HQQ_SUFFIXES } from "./weights.ts";

/**
 * Tells which tensors store a quantized matrix.
 *
 * @param base The name of its tensors without their ends.
 * @param layout The matrix, of an HQQ scheme.
 * @returns The tensors, in the order of {@linkcode storedBytes}.
 */
export function storedSpecs(base: string, layout: MatrixLayout): TensorSpec[] {
  const { P, G, K, metaCount } = layout;
  const { bits } = layout.scheme as HqqScheme;
  return ([
    ["codes", bits === 3 ? "I32" : "U8", P * G * K],
    ["scaleCodes", "U8", G * K],
    ["metaScale", "F32", metaCount],
    ["metaZero", "F32", metaCount],
    ["zeroCodes", "U8", G * K],
    ["zeroScale", "F32", 1],
    ["zeroZero", "F32", 1],
  ] as const).map(([key, dtype, count]) => ({
    name: `${base}.${HQQ_SUFFIXES[key]}`,
    dtype,
    shape: [count],
  }));
}

/**
 * Gives the bytes of the tensors that store a quantized matrix.
 *
 * @param tensor The matrix.
 * @returns Their bytes, in the order of {@linkcode storedSpecs}; they share the
 * memory of `tensor`.
 */
export function storedBytes(tensor: QuantizedTensor): Uint8Array[] {
  const scale = tensor.scale as QuantizedMeta;
  const zero = tensor.zero as QuantizedMeta;
  return [
    tensor.packed,
    scale.packed,
    scale.scale,
    scale.zero,
    zero.packed,
    zero.scale,
    zero.zero,
  ].map(({ buffer, byteOffset, byteLength }) =>
    new Uint8Array(buffer, byteOffset, byteLength)
  );
}
