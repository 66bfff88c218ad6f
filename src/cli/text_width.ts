/** How many columns of a terminal text takes. */

import { stripVTControlCharacters } from "node:util";

/** Ends of ranges that East Asian Width calls wide, and pictures are not. */
const WIDE: readonly (readonly [first: number, last: number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18cff],
  [0x1b000, 0x1b2ff],
  [0x1f200, 0x1f2ff],
  [0x20000, 0x3fffd],
];

/**
 * Cuts text into graphemes: `é` of two code points is one, a family of emoji is
 * one.
 *
 * @param text The text.
 * @returns Its graphemes, in order.
 */
export function graphemes(text: string): string[] {
  // Not once for all: the first takes 15 ms, which no start is to wait for.
  const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

/**
 * Counts the columns of one grapheme.
 *
 * @param grapheme The grapheme, no control character.
 * @returns 0, 1 or 2.
 */
export function graphemeWidth(grapheme: string): number {
  const code = grapheme.codePointAt(0) ?? 0;
  if (code < 0x300 && grapheme.length === 1) return 1;
  // U+FE0F asks for a picture where there is a letter, too.
  if (
    grapheme.includes("\ufe0f") || /^\p{Emoji_Presentation}/u.test(grapheme)
  ) {
    return 2;
  }
  if (/^[\p{Mn}\p{Me}\p{Cf}]/u.test(grapheme)) return 0;
  return WIDE.some(([first, last]) => code >= first && code <= last) ? 2 : 1;
}

/**
 * Counts the columns of text without control characters.
 *
 * @param text The text.
 * @returns Its columns.
 */
export function textWidth(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  return graphemes(text)
    .reduce((width, grapheme) => width + graphemeWidth(grapheme), 0);
}

/**
 * Adds spaces, so that columns of text stand below each other.
 *
 * @param text The text.
 * @param width The columns that it is to take, or more if it does by itself.
 * @param side Where the spaces go.
 * @returns The text with spaces.
 */
export function padToWidth(
  text: string,
  width: number,
  side: "start" | "end" = "end",
): string {
  const spaces = " ".repeat(Math.max(0, width - textWidth(text)));
  return side === "end" ? text + spaces : spaces + text;
}

/**
 * Cuts text to what fits.
 *
 * @param text The text.
 * @param width The most columns.
 * @param side Where it is cut; an ellipsis says that something is missing at its
 * start.
 * @returns The whole text, or a part of it with no grapheme cut.
 */
export function cutToWidth(
  text: string,
  width: number,
  side: "start" | "end" = "end",
): string {
  if (textWidth(text) <= width) return text;
  const parts = graphemes(text);
  const hasEllipsis = side === "start";
  if (hasEllipsis) parts.reverse();
  let room = width - (hasEllipsis ? 1 : 0);
  const count = parts.findIndex((part) => (room -= graphemeWidth(part)) < 0);
  const kept = parts.slice(0, count);
  return hasEllipsis ? `…${kept.reverse().join("")}` : kept.join("");
}

/**
 * Joins texts to rows, so that a terminal breaks none of them.
 *
 * @param parts The texts, which may have colours.
 * @param options The width of a row, and what stands between two texts.
 * @returns Rows; a text that is too long is a row of its own.
 */
export function joinRows(
  parts: readonly string[],
  { columns, separator }: { columns: number; separator: string },
): string[] {
  const rows: string[] = [];
  for (const part of parts) {
    const last = rows.pop();
    const longer = last === undefined ? part : last + separator + part;
    const end = separator.trimEnd(); // it may follow on the same row
    const shown = stripVTControlCharacters(longer + end);
    if (last === undefined || textWidth(shown) <= columns) {
      rows.push(longer);
    } else {
      rows.push(last + end, part);
    }
  }
  return rows;
}
