/** Weights of which only the speed is of interest. */

import type { Gpu } from "../gpu/device.ts";
import {
  type Matrix,
  type MatrixLayout,
  placeMatrices,
} from "../ops/matrix.ts";

/** The most bytes that the system makes up at once. */
const CHUNK_BYTE_LENGTH = 65_536;

/**
 * Makes the bytes of a matrix: random, since zeros can be faster, but scales of
 * scales are numbers.
 *
 * @param layout How it lies.
 * @returns The bytes.
 */
export function randomWeights(layout: MatrixLayout): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(layout.wordCount * 4);
  for (let at = 0; at < bytes.length; at += CHUNK_BYTE_LENGTH) {
    crypto.getRandomValues(bytes.subarray(at, at + CHUNK_BYTE_LENGTH));
  }
  if (layout.metaAt > 0) {
    new Float32Array(bytes.buffer, layout.metaAt * 4).fill(1e-3);
  }
  return bytes;
}

/**
 * Makes matrices of the same random bytes in buffers of their own: caches go by
 * address.
 *
 * @param gpu The GPU.
 * @param layout How each lies.
 * @param count How many.
 * @returns The buffers.
 */
export function randomMatrices(
  gpu: Gpu,
  layout: MatrixLayout,
  count: number,
): GPUBuffer[] {
  const bytes = randomWeights(layout);
  return Array.from({ length: count }, () => {
    const buffer = gpu.storageBuffer("random weights", bytes.length);
    gpu.upload(buffer, bytes);
    return buffer;
  });
}

/**
 * Makes groups of random matrices, each group in one buffer, as a model's q, k and v
 * lie.
 *
 * @param gpu The GPU.
 * @param layouts How the matrices of a group lie.
 * @param count How many groups.
 * @returns The groups, each in the order of `layouts`.
 */
export function randomGroups(
  gpu: Gpu,
  layouts: readonly MatrixLayout[],
  count: number,
): Matrix[][] {
  const parts = layouts.map(randomWeights);
  const { offsets, byteLength } = placeMatrices(layouts);
  return Array.from({ length: count }, () => {
    const buffer = gpu.storageBuffer("random weights", byteLength);
    return layouts.map((layout, i) => {
      const [bytes, offset] = [parts[i]!, offsets[i]!];
      gpu.upload(buffer, bytes, offset);
      return { layout, buffer: { buffer, offset, size: bytes.length } };
    });
  });
}
