/** Which sequence a prompt goes on from, and what becomes of the one that ran. */

import { sharedLength } from "./shared_length.ts";

/**
 * Fewer tokens than this are run again rather than kept or brought back: so few are
 * not worth a copy of the whole sequence.
 */
export const WORTHWHILE_TOKENS = 8;

/** What to do before a prompt runs. */
export interface Swap<T> {
  /** Whether the sequence that ran is to be kept first. */
  readonly keeps: boolean;
  /** The kept sequence to go on from; `null` to go on from the one that ran. */
  readonly back: {
    readonly sequence: T;
    /** How many of its first ids the prompt shares, never the prompt's last. */
    readonly tokenCount: number;
    /** How many more these are than those that need not run anyway. */
    readonly gain: number;
  } | null;
}

/**
 * Decides it by ids alone. The sequence that ran is kept if the prompt would
 * overwrite enough of it and no kept one holds it, unless the whole prompt is in it:
 * who wants another answer, or several, wants no copy of each. A kept one is brought
 * back if the prompt shares enough more with it than with the one that ran. Its keys
 * and values are taken from the first position on: others of the same ids need not
 * have the same last digits.
 *
 * @param running The ids that ran.
 * @param prompt The ids that are to run; none if all that ran is to be overwritten.
 * @param kept The sequences that are kept, the latest used last.
 * @returns What to do.
 */
export function planSwap<T extends { readonly ids: ArrayLike<number> }>(
  running: ArrayLike<number>,
  prompt: ArrayLike<number>,
  kept: Iterable<T>,
): Swap<T> {
  const most = Math.max(0, prompt.length - 1);
  const common = sharedLength(running, prompt);
  const shared = Math.min(common, most);
  const isRepeated = prompt.length > 0 && common === prompt.length;
  let keeps = !isRepeated && running.length - shared >= WORTHWHILE_TOKENS;
  let back: Swap<T>["back"] = null;
  for (const sequence of kept) {
    keeps &&= sharedLength(running, sequence.ids) < running.length;
    const tokenCount = Math.min(sharedLength(sequence.ids, prompt), most);
    const gain = tokenCount - shared;
    if (gain >= (back?.gain ?? WORTHWHILE_TOKENS)) {
      back = { sequence, tokenCount, gain };
    }
  }
  return { keeps, back };
}
