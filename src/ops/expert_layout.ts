/** How experts lie in memory, and the room that they work in. */

import type { Gpu } from "../gpu/device.ts";
import type { MatrixLayout } from "./matrix.ts";
import { partCount } from "./matvec.ts";
import { makeRows, type Rows } from "./op.ts";

/** Where the matrices of an expert lie in it, in words. */
export interface ExpertLayout {
  /** W1 and W3 (intermediateSize, hiddenSize). */
  readonly up: MatrixLayout;
  /** W2 (hiddenSize, intermediateSize). */
  readonly down: MatrixLayout;
  /** Where each starts. */
  readonly at: {
    readonly w1: number;
    readonly w2: number;
    readonly w3: number;
  };
  /** Words of an expert. */
  readonly wordCount: number;
}

/**
 * Lays out an expert: W1, W3, W2, one after the other.
 *
 * @param up The layout of W1 and W3.
 * @param down The layout of W2.
 * @returns The layout.
 */
export function expertLayout(
  up: MatrixLayout,
  down: MatrixLayout,
): ExpertLayout {
  return {
    up,
    down,
    at: { w1: 0, w3: up.wordCount, w2: 2 * up.wordCount },
    wordCount: 2 * up.wordCount + down.wordCount,
  };
}

/** Room for what experts compute, shared by all layers. */
export interface ExpertScratch {
  /** silu(W1 x) * W3 x, a row for each routed row. */
  readonly h: Rows;
  /**
   * The same for one token and one rank, where experts are in slots: WebGPU orders
   * accesses by whole buffers, so that experts that share an h would wait for each
   * other.
   */
  readonly hOfRank: readonly Rows[];
  /** W3 x, in prefill. */
  readonly h3: Rows;
  /**
   * W2 h, a row for each routed row: row t topK + r is rank r of token t. For a
   * single token `partCount` rows for each, to be summed.
   */
  readonly y: Rows;
  /** Parts of y for a single token. */
  readonly partCount: number;
  /** Routed rows of each expert (E) u32, in prefill. */
  readonly counts: GPUBuffer;
  /** Which rows (E, tokenLimit) u32, in prefill. */
  readonly lists: GPUBuffer;
  /** The most tokens of a step. */
  readonly tokenLimit: number;
}

/**
 * Makes the scratch room of experts.
 *
 * @param gpu The GPU.
 * @param options How an expert lies, the most tokens of a step, and the model's
 * numbers.
 * @returns The room.
 */
export function makeExpertScratch(
  gpu: Gpu,
  options: {
    layout: ExpertLayout;
    tokenLimit: number;
    expertCount: number;
    topK: number;
    hiddenSize: number;
    intermediateSize: number;
  },
): ExpertScratch {
  const { layout, tokenLimit, expertCount, topK } = options;
  const { hiddenSize, intermediateSize } = options;
  const rowCount = tokenLimit * topK;
  const parts = partCount(gpu, layout.down);
  return {
    h: makeRows(gpu, "expert h", [rowCount, intermediateSize]),
    hOfRank: Array.from(
      { length: topK },
      (_, rank) => makeRows(gpu, `expert h ${rank}`, [1, intermediateSize]),
    ),
    h3: makeRows(gpu, "expert h3", [rowCount, intermediateSize]),
    y: makeRows(gpu, "expert y", [
      Math.max(rowCount, parts * topK),
      hiddenSize,
    ]),
    partCount: parts,
    counts: gpu.storageBuffer("expert row counts", expertCount * 4),
    lists: gpu.storageBuffer(
      "expert row lists",
      expertCount * tokenLimit * 4,
    ),
    tokenLimit,
  };
}
