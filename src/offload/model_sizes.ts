import type { ExpertCounts } from "./slots_wish.ts";

/** What a model takes. */
export interface ModelSizes extends ExpertCounts {
  /** Bytes of an expert. */
  expertByteLength: number;
  /**
   * Bytes from one slot to the next where the slots of a layer share a buffer.
   *
   * @default {expertByteLength}
   */
  slotByteLength?: number;
  /**
   * Bytes of the largest buffer of an expert.
   *
   * @default {expertByteLength}
   */
  expertBufferByteLength?: number;
  /** Bytes of all other weights, embeddings and routers included. */
  trunkByteLength: number;
  /** Bytes of the KV cache at the context length to plan for. */
  kvByteLength: number;
  /** Bytes of activations and everything else on the GPU. */
  scratchByteLength: number;
  /**
   * Bytes of the table of who is in which slot, where the GPU keeps it.
   *
   * @default {0}
   */
  residencyByteLength?: number;
}

/**
 * What a model takes on the GPU however its experts are placed.
 *
 * @param sizes What the model takes.
 * @returns Bytes of trunk, KV cache and scratch.
 */
export function fixedByteLength(sizes: ModelSizes): number {
  return sizes.trunkByteLength + sizes.kvByteLength +
    sizes.scratchByteLength + (sizes.residencyByteLength ?? 0);
}

/**
 * What slots take on the GPU. Experts of a layer that are all there lie in one
 * buffer without gaps.
 *
 * @param sizes What the model takes.
 * @param slots Slots of each layer: (layerCount)
 * @returns Bytes of all slots, staging slots left out.
 */
export function slotsByteLength(
  sizes: ModelSizes,
  slots: readonly number[],
): number {
  const { expertCount, expertByteLength } = sizes;
  const { slotByteLength = expertByteLength } = sizes;
  return slots
    .map((n) => n * (n === expertCount ? expertByteLength : slotByteLength))
    .reduce((sum, byteLength) => sum + byteLength, 0);
}
