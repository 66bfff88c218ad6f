/** What became of a piece of text. */
export interface StopMatch {
  /** Text that is no part of a stop string and never will be. */
  text: string;
  /** The stop string that ended the text, if one did. */
  stopString?: string;
}

/**
 * Looks for stop strings in text that comes in pieces. It holds text back for
 * as long as that may be the beginning of a stop string. Where the text is cut
 * into pieces makes no difference: the stop string that is complete first
 * wins, the longest of those.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { StopMatcher } from "./stop_matcher.ts";
 *
 * const matcher = new StopMatcher(["\nUser:"]);
 * assertEquals(matcher.push("Hello\nUs"), { text: "Hello" });
 * assertEquals(matcher.push("er: Hi"), { text: "", stopString: "\nUser:" });
 * ```
 */
export class StopMatcher {
  readonly #stops: readonly string[];
  #held = "";

  /**
   * Makes a matcher.
   *
   * @param stops The stop strings, none of them empty.
   */
  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  /**
   * Takes the next piece. After a match, call it no more.
   *
   * @param piece The text that follows.
   * @returns Text to show, and the stop string if there was one.
   */
  push(piece: string): StopMatch {
    const text = this.#held + piece;
    let start = text.length;
    let end = Infinity;
    let stopString: string | undefined;
    for (const stop of this.#stops) {
      const at = text.indexOf(stop);
      if (at < 0) continue;
      const isBetter = at + stop.length < end ||
        (at + stop.length === end && at < start);
      if (!isBetter) continue;
      start = at;
      end = at + stop.length;
      stopString = stop;
    }
    if (stopString !== undefined) {
      this.#held = "";
      return { text: text.slice(0, start), stopString };
    }
    const heldLength = this.#beginning(text);
    this.#held = text.slice(text.length - heldLength);
    return { text: text.slice(0, text.length - heldLength) };
  }

  /**
   * Ends the text.
   *
   * @returns What was held back.
   */
  flush(): string {
    const text = this.#held;
    this.#held = "";
    return text;
  }

  /** Length of the longest end of the text that a stop string begins with. */
  #beginning(text: string): number {
    let longest = 0;
    for (const stop of this.#stops) {
      const most = Math.min(stop.length - 1, text.length);
      for (let length = most; length > longest; length--) {
        if (text.endsWith(stop.slice(0, length))) longest = length;
      }
    }
    return longest;
  }
}
