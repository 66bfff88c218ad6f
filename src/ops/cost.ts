/** What ops read and compute, for profiles. Numbers only. */

import type { Cost } from "../gpu/encodable.ts";
import type { AttentionShape } from "./attention.ts";
import type { MatrixLayout } from "./matrix.ts";
import { padded } from "./padded.ts";

/** Which matrices a product works with, and for how many rows. */
export interface ProductShape {
  /** The matrices, each as often as a row meets it. */
  readonly layouts: readonly Pick<MatrixLayout, "N" | "K" | "wordCount">[];
  /** How many experts there are to pick from; 1 for a matrix of the trunk. */
  readonly pickCount: number;
  /** Rows of y for each token, of all experts together; on average. */
  readonly rowsPerToken: number;
}

/**
 * Says what a product with matrices takes. Which experts the tokens chose nobody
 * knows when it is recorded: they count as all different, as far as there are so many.
 *
 * @param shape The matrices.
 * @param tokenCount How many tokens the step has.
 * @returns Bytes of weights, each read once, wherever they lie, and flops.
 */
export function productCost(
  { layouts, pickCount, rowsPerToken }: ProductShape,
  tokenCount: number,
): Cost {
  const rows = rowsPerToken * tokenCount;
  const matrixCount = pickCount === 1 ? 1 : Math.min(pickCount, rows);
  const words = layouts.reduce((sum, { wordCount }) => sum + wordCount, 0);
  const macs = layouts.reduce((sum, { N, K }) => sum + N * K, 0);
  return { byteLength: 4 * words * matrixCount, flops: 2 * macs * rows };
}

/**
 * Says what attention takes: keys and values of each position once.
 *
 * @param shape The heads, and how many positions a token sees, 0 for all.
 * @param tokenCount How many tokens the step has.
 * @param position Where the first of them stands, if that is known.
 * @returns Bytes of keys and values, and flops.
 */
export function attentionCost(
  { headDim, headCount, kvHeadCount, window }: AttentionShape & {
    readonly window: number;
  },
  tokenCount: number,
  position: number | undefined,
): Cost {
  if (position === undefined) return {};
  const limit = window || Infinity;
  const end = position + tokenCount;
  const firstSeen = Math.max(0, position + 1 - limit);
  let seen = 0; // by all tokens together
  for (let at = position; at < end; at++) seen += Math.min(at + 1, limit);
  return {
    byteLength: (end - firstSeen) * 2 * kvHeadCount * padded(headDim) * 4,
    flops: 4 * headDim * headCount * seen,
  };
}
