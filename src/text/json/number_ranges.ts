import type { Part } from "./byte_grammar.ts";
import type { JsonValues } from "./json_values.ts";

/** Integers beyond are not exact in JSON. */
const MOST_DIGITS = 16;

/** Numbers from the least to the most, both included; infinite where open. */
export interface NumberRange {
  /** The least. */
  readonly min: number;
  /** The most. */
  readonly max: number;
}

/**
 * Makes the integers of a range, written without leading zeros.
 *
 * @param values JSON's parts.
 * @param range The range; its ends are integers or infinite.
 * @returns The part; `null` if there are none.
 */
export function integerRange(
  values: JsonValues,
  range: NumberRange,
): Part | null {
  return signed(values, range, (low, high) => natural(values, low, high));
}

/**
 * Makes the numbers of a range, with or without a fraction, but no exponent.
 *
 * @param values JSON's parts.
 * @param range The range; its ends are integers or infinite.
 * @returns The part; `null` if there are none.
 */
export function decimalRange(
  values: JsonValues,
  range: NumberRange,
): Part | null {
  const g = values.grammar;
  const zeros = g.sequence(
    g.literal("."),
    g.repeat(g.literal("0"), 1, MOST_DIGITS),
  );
  return signed(values, range, (low, high) => {
    const parts: Part[] = [];
    const below = high === Infinity ? high : high - 1;
    if (below >= low) {
      parts.push(
        g.sequence(natural(values, low, below), g.optional(values.fraction)),
      );
    }
    if (high !== Infinity) {
      parts.push(g.sequence(g.literal(String(high)), g.optional(zeros)));
    }
    return g.choice(...parts);
  });
}

/** Puts a minus before what is below 0. */
function signed(
  { grammar: g }: JsonValues,
  { min, max }: NumberRange,
  make: (low: number, high: number) => Part,
): Part | null {
  const parts: Part[] = [];
  if (max >= 0 && min <= max) parts.push(make(Math.max(0, min), max));
  if (min < 0 && min <= max) {
    parts.push(g.sequence(g.literal("-"), make(Math.max(0, -max), -min)));
  }
  return parts.length === 0 ? null : g.choice(...parts);
}

/** Integers from 0 or above. */
function natural(values: JsonValues, low: number, high: number): Part {
  const g = values.grammar;
  const parts: Part[] = [];
  // One number of digits at a time: from 10^(n-1), or 0, to 10^n - 1.
  for (let digits = 1; digits <= MOST_DIGITS; digits++) {
    const from = Math.max(low, digits === 1 ? 0 : 10 ** (digits - 1));
    const to = Math.min(high, 10 ** digits - 1);
    if (from > to) continue;
    const first = String(from);
    const last = String(to);
    parts.push(sameLength(values, first, last));
  }
  return g.choice(...parts);
}

/** Texts of digits between two of the same length. */
function sameLength(values: JsonValues, first: string, last: string): Part {
  const g = values.grammar;
  if (first === "") return g.sequence();
  const [from, to] = [Number(first[0]), Number(last[0])];
  const digit = (low: number, high: number) => g.bytes([48 + low, 48 + high]);
  const [restFirst, restLast] = [first.slice(1), last.slice(1)];
  if (from === to) {
    return g.sequence(digit(from, to), sameLength(values, restFirst, restLast));
  }
  const nines = "9".repeat(restLast.length);
  const zeros = "0".repeat(restFirst.length);
  const any = g.repeat(values.digit, restFirst.length, restFirst.length);
  const parts: Part[] = [];
  const isWholeFirst = restFirst === zeros;
  const isWholeLast = restLast === nines;
  const low = isWholeFirst ? from : from + 1;
  const high = isWholeLast ? to : to - 1;
  if (!isWholeFirst) {
    parts.push(
      g.sequence(digit(from, from), sameLength(values, restFirst, nines)),
    );
  }
  if (low <= high) parts.push(g.sequence(digit(low, high), any));
  if (!isWholeLast) {
    parts.push(g.sequence(digit(to, to), sameLength(values, zeros, restLast)));
  }
  return g.choice(...parts);
}
