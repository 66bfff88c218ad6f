/** Counts what the GPU did where it decides on experts. */

import type { OffloadStats } from "../offload/offload_stats.ts";
import type { PrefetchSwitch } from "../offload/prefetch_switch.ts";
import {
  countsOf,
  logOf,
  type ResidencyLayout,
  stagedIn,
} from "../offload/residency_block.ts";

/** What {@linkcode countDecided} knows of the model. */
export interface DecidedModel {
  /** What is in a block. */
  readonly layout: ResidencyLayout;
  /** Bytes of an expert. */
  readonly expertByteLength: number;
  /** Whether routers are to stage guesses; `null` if they cannot. */
  readonly prefetch: PrefetchSwitch | null;
  /** How many experts a router guesses for the next layer. */
  readonly guessCount: number;
}

/** The blocks of a layer around a token. */
export interface DecidedBlocks {
  /** The layer, among those of the model. */
  readonly layer: number;
  /** Its block before the token. */
  readonly before: Uint32Array;
  /** And after it. */
  readonly block: Uint32Array;
  /** That of the layer before, after the token; `null` for the first layer. */
  readonly previous: Uint32Array | null;
}

/**
 * Counts a token of a layer: hits, misses, bytes by cause, and how good the guess
 * was.
 *
 * @param stats Where to.
 * @param model What the blocks are of.
 * @param blocks The blocks.
 */
export function countDecided(
  stats: OffloadStats,
  { layout, expertByteLength, prefetch, guessCount }: DecidedModel,
  { layer, before, block, previous }: DecidedBlocks,
): void {
  const now = countsOf(block);
  const then = countsOf(before);
  const misses = (now.misses - then.misses) >>> 0;
  stats.countUses(layer, {
    hits: (now.hits - then.hits) >>> 0,
    misses,
    evictions: (now.evictions - then.evictions) >>> 0,
  });
  const experts = [...logOf(layout, block).ids];
  const staged = prefetch === null ? null : stagedIn(block);
  // It had no slot when it was chosen, and none of the layer's changed since.
  const isUsed = staged !== null && experts.includes(staged.expert);
  const used = isUsed ? staged.byteLength : 0;
  stats.countBytes(layer, {
    cause: "demand",
    byteLength: misses * expertByteLength - used,
  });
  if (staged !== null && staged.byteLength > 0) {
    const cause = isUsed ? "prefetchUsed" : "prefetchWasted";
    stats.countBytes(layer, { cause, byteLength: staged.byteLength });
  }
  if (previous === null || guessCount === 0) return;
  const guess = [...logOf(layout, previous).guess.subarray(0, guessCount)];
  stats.countGuess(layer, { guess, experts });
}
