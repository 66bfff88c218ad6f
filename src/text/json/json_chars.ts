import type { GrammarBuilder, Part } from "./byte_grammar.ts";

/** Code points from the first to the last. */
export type CharRange = readonly [first: number, last: number];

/** The largest code point. */
const LAST = 0x10ffff;

/** Half of a pair of UTF-16: no character, and not in UTF-8. */
const SURROGATES: CharRange = [0xd800, 0xdfff];

/** Characters that a JSON string has to escape, but for control characters. */
const ESCAPED: ReadonlySet<number> = new Set([0x22, 0x5c]);

/** What a string may hold unless a pattern says so: no control characters. */
export const PRINTABLE: readonly CharRange[] = [
  [0x20, LAST],
  ...[..."\b\f\n\r\t"].map((char): CharRange => [
    char.charCodeAt(0),
    char.charCodeAt(0),
  ]),
];

/**
 * Makes a character of a JSON string, out of some ranges. Each has one spelling, the
 * one that `JSON.stringify()` gives: so that a key is not another one in disguise.
 *
 * @param grammar Where it goes.
 * @param ranges Which characters.
 * @returns The part; it matches nothing if the ranges hold no character.
 */
export function jsonChar(
  grammar: GrammarBuilder,
  ranges: readonly CharRange[],
): Part {
  const plain: CharRange[] = [];
  const parts: Part[] = [];
  for (const [first, last] of ranges) {
    for (let code = first; code <= Math.min(last, 0x7f); code++) {
      if (code >= 0x20 && !ESCAPED.has(code)) plain.push([code, code]);
      else {
        const spelling = JSON.stringify(String.fromCharCode(code)).slice(1, -1);
        parts.push(grammar.literal(spelling));
      }
    }
    for (const bytes of utf8Ranges(Math.max(first, 0x80), last)) {
      parts.push(grammar.sequence(...bytes.map((byte) => grammar.bytes(byte))));
    }
  }
  if (plain.length > 0) parts.push(grammar.bytes(...plain));
  return grammar.choice(...parts);
}

/**
 * What some ranges leave out.
 *
 * @param ranges The ranges, in any order.
 * @param all Out of what.
 * @returns The rest of it, in rising order.
 */
export function complement(
  ranges: readonly CharRange[],
  all: readonly CharRange[] = [[0, LAST]],
): CharRange[] {
  let rest = [...all];
  for (const [first, last] of ranges) {
    rest = rest.flatMap(([from, to]): CharRange[] => [
      ...from < first ? [[from, Math.min(to, first - 1)] as CharRange] : [],
      ...to > last ? [[Math.max(from, last + 1), to] as CharRange] : [],
    ]);
  }
  return rest.toSorted((a, b) => a[0] - b[0]);
}

/** UTF-8 of a range: sequences of ranges of bytes that together are all of it. */
export function utf8Ranges(first: number, last: number): CharRange[][] {
  if (first > last) return [];
  const [low, high] = SURROGATES;
  // At these the number of bytes changes, or there is nothing.
  for (const end of [0x7f, 0x7ff, low - 1, 0xffff]) {
    if (first <= end && end < last) {
      return [...utf8Ranges(first, end), ...utf8Ranges(end + 1, last)];
    }
  }
  if (first >= low && first <= high) return utf8Ranges(high + 1, last);
  // A range of the leading bits needs whole ranges of the bits behind them.
  for (const bits of [6, 12, 18]) {
    const mask = (1 << bits) - 1;
    if ((first & ~mask) === (last & ~mask)) continue;
    if ((first & mask) !== 0) {
      return [
        ...utf8Ranges(first, first | mask),
        ...utf8Ranges((first | mask) + 1, last),
      ];
    }
    if ((last & mask) !== mask) {
      const start = last & ~mask;
      return [...utf8Ranges(first, start - 1), ...utf8Ranges(start, last)];
    }
  }
  const from = utf8(first);
  const to = utf8(last);
  return [from.map((byte, i): CharRange => [byte, to[i]!])];
}

function utf8(code: number): number[] {
  return [...new TextEncoder().encode(String.fromCodePoint(code))];
}
