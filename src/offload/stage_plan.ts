/** How much of a guessed expert comes over the bus before it is needed. Numbers only. */

/**
 * Pieces beside q, k and v, which run side by side. Every other op of the trunk waits
 * for all before it.
 */
const TRUNK_PIECES = 1;

/** Pieces that the link moves while a layer's W1 and W3 are read in VRAM. */
const EXPERT_PIECES = 8;

/** What may be staged between two routers, in vec4s (16 bytes) of the expert. */
export interface StagePlan {
  /** The first ones, beside the trunk. */
  readonly trunkCount: number;
  /** Those after them, beside the experts of a layer that misses nothing. */
  readonly expertsCount: number;
}

/**
 * Shares the beginning of an expert out to the times when the link is idle.
 *
 * @param options Bytes of an expert, and of what the link moves beside an op of the
 * trunk; multiples of 16.
 * @returns The two shares: together an expert if it is small, else less.
 */
export function planStage(
  { expertByteLength, pieceByteLength }: {
    expertByteLength: number;
    pieceByteLength: number;
  },
): StagePlan {
  const total = expertByteLength / 16;
  const piece = pieceByteLength / 16;
  const trunkCount = Math.min(total, TRUNK_PIECES * piece);
  return {
    trunkCount,
    expertsCount: Math.min(total - trunkCount, EXPERT_PIECES * piece),
  };
}
