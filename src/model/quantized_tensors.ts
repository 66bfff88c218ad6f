/** A model's tensors, quantized, as they are stored. */

import type { QuantizedMeta, QuantizedTensor } from "hqq-ts";
import type { Checkpoint } from "../io/checkpoint.ts";
import type { TensorSource } from "../io/safetensors_writer.ts";
import { HQQ_SUFFIXES, type Part, type Quantization } from "./weights.ts";
import { quantizeMatrix, schemeOf } from "./weights.ts";

/** Bits and groups of each part. */
export type Parts = Readonly<Record<Part, Quantization>>;

/**
 * Quantizes a checkpoint of floats, matrix by matrix; what is not quantized stays
 * as it is. The names are those of mixtral-offloading's checkpoints.
 *
 * @param checkpoint The original tensors.
 * @param parts How to quantize each part.
 * @returns The tensors to store, each computed when it is asked for.
 */
export async function* quantizedTensors(
  checkpoint: Checkpoint,
  parts: Parts,
): AsyncGenerator<TensorSource, void> {
  for (const name of checkpoint.names()) {
    const part = partOf(name);
    const { dtype, shape } = checkpoint.info(name);
    if (part === null || parts[part].bits === 16) {
      yield { name, dtype, shape, bytes: await checkpoint.read(name) };
      continue;
    }
    const tensor = quantizeMatrix(await checkpoint.readFloat32(name), {
      shape: [shape[0]!, shape[1]!],
      scheme: schemeOf(parts[part]),
    });
    yield* tensorsOf(name.replace(/\.weight$/, ""), tensor);
  }
}

/** The part that a matrix belongs to; `null` if it is never quantized. */
function partOf(name: string): Part | null {
  if (/\.self_attn\.[qkvo]_proj\.weight$/.test(name)) return "attn";
  if (/\.experts\.\d+\.w[123]\.weight$/.test(name)) return "experts";
  return null;
}

function* tensorsOf(
  base: string,
  tensor: QuantizedTensor,
): Generator<TensorSource, void> {
  const { packed } = tensor;
  const scale = tensor.scale as QuantizedMeta;
  const zero = tensor.zero as QuantizedMeta;
  for (
    const [key, array, dtype] of [
      ["codes", packed, packed instanceof Int32Array ? "I32" : "U8"],
      ["scaleCodes", scale.packed, "U8"],
      ["metaScale", scale.scale, "F32"],
      ["metaZero", scale.zero, "F32"],
      ["zeroCodes", zero.packed, "U8"],
      ["zeroScale", zero.scale, "F32"],
      ["zeroZero", zero.zero, "F32"],
    ] as const
  ) {
    yield {
      name: `${base}.${HQQ_SUFFIXES[key]}`,
      dtype,
      shape: [array.length],
      bytes: new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
    };
  }
}
