import type { ExpertCounts } from "./slots_wish.ts";

/** What a model takes. */
export interface ModelSizes extends ExpertCounts {
  /** Bytes of an expert. */
  expertByteLength: number;
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
}

/**
 * What a model takes on the GPU however its experts are placed.
 *
 * @param sizes What the model takes.
 * @returns Bytes of trunk, KV cache and scratch.
 */
export function fixedByteLength(sizes: ModelSizes): number {
  return sizes.trunkByteLength + sizes.kvByteLength + sizes.scratchByteLength;
}
