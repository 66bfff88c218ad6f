/** What a target of fuzzing is. */

import type fc from "npm:fast-check@4.11.0";

/** What became of an input: it was taken, or refused with a sentence. */
export type Verdict = "accepted" | "refused";

/** Where a target may write. It is emptied by nobody but the target itself. */
export interface Place {
  /** A folder; reading and writing elsewhere is not permitted. */
  readonly path: string;
}

/** A part of the program that reads what others wrote. */
export interface Target<Input = unknown> {
  /** What people call it. */
  readonly name: string;
  /** How many cases run with the tests: what takes about a second. */
  readonly cases: number;
  /** What is fed, by seeds. It shrinks. */
  readonly inputs: fc.Arbitrary<Input>;
  /**
   * Feeds an input.
   *
   * @param input The input.
   * @param place Where to put files.
   * @returns What became of it.
   * @throws {Error} If the outcome is neither a result nor a clear sentence.
   */
  feed(input: Input, place: Place): Promise<Verdict> | Verdict;
}
