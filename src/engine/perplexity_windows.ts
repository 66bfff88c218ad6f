/** Which tokens of a text are run together, and which of them count. */

import { counted } from "../io/counted.ts";

/** How to cut a text into windows. */
export interface WindowOptions {
  /**
   * Tokens of a window: what the model sees at most, the token of `prefixId`
   * included.
   *
   * @default {512}
   */
  readonly windowLength?: number | undefined;
  /**
   * Tokens from the beginning of a window to that of the next. If it is smaller
   * than the window, windows overlap, and all but the first count their last
   * `stride` tokens only, so that a token counts once, with much text before it.
   *
   * @default {number} all of a window: no overlap
   */
  readonly stride?: number | undefined;
  /**
   * How many windows to run, at most.
   *
   * @default {Infinity}
   */
  readonly windowCount?: number | undefined;
  /**
   * A token to put before the tokens of each window, such as the model's start
   * token. A window then has one token less of the text, and its first one counts.
   *
   * @default {undefined} none
   */
  readonly prefixId?: number | undefined;
}

/** A part of a text that is run by itself. */
export interface TextWindow {
  /** The place of its first token in the text. */
  readonly start: number;
  /** The place after its last one. */
  readonly end: number;
  /** The first of what is run that counts, as do all after it; at least 1. */
  readonly countFrom: number;
}

/** A window if nobody says how long. */
export const WINDOW_LENGTH = 512;

/**
 * Cuts a text into windows, each of which is run from a clean start. A last,
 * shorter one is left out. The first token of a window is never foretold, since
 * nothing stands before it.
 *
 * @param tokenCount Tokens of the text.
 * @param options How to cut it.
 * @returns The windows, at least one.
 * @throws {RangeError} If an option is out of range, or the text does not fill
 * a window.
 */
export function textWindows(
  tokenCount: number,
  options: WindowOptions = {},
): TextWindow[] {
  const { windowLength = WINDOW_LENGTH, prefixId } = options;
  const { windowCount = Infinity } = options;
  checkCount("a window", windowLength, { min: 2 });
  const length = windowLength - (prefixId === undefined ? 0 : 1); // of text
  const { stride = length } = options;
  checkCount("a stride", stride, { min: 1, max: length });
  if (windowCount !== Infinity) {
    checkCount("a number of windows", windowCount, { min: 1 });
  }
  if (tokenCount < length) {
    throw new RangeError(
      `Cannot compute perplexity: the text has ${
        counted(tokenCount, "token")
      }, wanted at least ${length}, or a shorter window (--window)`,
    );
  }
  const fitting = 1 + Math.floor((tokenCount - length) / stride);
  return Array.from({ length: Math.min(fitting, windowCount) }, (_, index) => {
    const start = index * stride;
    return {
      start,
      end: start + length,
      countFrom: index === 0 ? 1 : Math.max(1, windowLength - stride),
    };
  });
}

function checkCount(
  what: string,
  value: number,
  { min, max = Infinity }: { min: number; max?: number },
): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  const wanted = max === Infinity
    ? `a whole number of at least ${min}`
    : `a whole number from ${min} to ${max}`;
  throw new RangeError(
    `Cannot compute perplexity with ${what} of ${value}: wanted ${wanted}`,
  );
}
