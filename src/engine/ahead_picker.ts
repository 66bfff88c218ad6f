/** Greedy tokens, several with one read-back. */

import type { Sequence } from "./sequence.ts";

/** The longest that a token may wait for those that are picked with it. */
const WAIT_MS = 100;

/** What bounds how many tokens are picked at once. */
export interface AheadBounds {
  /** Milliseconds that a token took lately; `null` if none has been timed. */
  readonly msPerToken: number | null;
  /** How many more are wanted. */
  readonly wanted: number;
  /** How many positions of the KV cache are left. */
  readonly room: number;
  /** The most that the model picks at once. */
  readonly limit: number;
}

/**
 * How many tokens to pick at once: one until it is known how long that takes, so
 * that a text starts without delay, then as many as come within 100 ms.
 *
 * @param bounds What bounds it; at least one is wanted and has room.
 * @returns The count, at least 1.
 */
export function aheadCount(
  { msPerToken, wanted, room, limit }: AheadBounds,
): number {
  const inTime = msPerToken === null ? 1 : Math.floor(WAIT_MS / msPerToken);
  return Math.max(1, Math.min(inTime, wanted, room, limit));
}

/**
 * Picks the tokens of one generation one by one, as its reader asks for them, but
 * runs them several at a time. `Sequence.ids` does not show it: what was run and not
 * asked for does not count, and is run over.
 */
export class AheadPicker {
  readonly #sequence: Sequence;
  readonly #limit: number;
  readonly #now: () => number;
  #msPerToken: number | null = null;
  /** Picked, but not asked for yet; all but the last have run. */
  #ahead: number[] = [];

  /**
   * Makes a picker for one generation.
   *
   * @param sequence The model with its KV cache.
   * @param limit The most tokens to pick at once.
   * @param now The time in milliseconds.
   */
  constructor(
    sequence: Sequence,
    limit: number,
    now: () => number = () => performance.now(),
  ) {
    this.#sequence = sequence;
    this.#limit = limit;
    this.#now = now;
  }

  /**
   * Runs a token, unless it has been, and picks the next.
   *
   * @param id The first token, or the one that was picked last.
   * @param position Where it stands.
   * @param wanted How many more tokens are wanted, at least 1.
   * @returns The most probable token after it.
   * @throws {RangeError} If the logits hold NaN or infinity; it says where it began.
   */
  async next(
    id: number,
    { position, wanted }: { position: number; wanted: number },
  ): Promise<number> {
    if (this.#ahead.length > 0) this.#sequence.accept(id);
    else this.#ahead = await this.#run(id, { position, wanted });
    const picked = this.#ahead.shift();
    if (picked === undefined) throw await this.#sequence.nonFiniteError();
    return picked;
  }

  async #run(
    id: number,
    { position, wanted }: { position: number; wanted: number },
  ): Promise<number[]> {
    const count = aheadCount({
      msPerToken: this.#msPerToken,
      wanted,
      room: this.#sequence.model.contextLength - position,
      limit: this.#limit,
    });
    const start = this.#now();
    const ids = await this.#sequence.pickAhead(id, { position, count });
    this.#msPerToken = (this.#now() - start) / count;
    return ids;
  }
}
