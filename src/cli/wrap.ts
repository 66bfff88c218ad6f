import { stripVTControlCharacters } from "node:util";
import { joinRows } from "./text_width.ts";

/** The columns of a terminal that everybody has. */
export const LINE_WIDTH = 80;

/**
 * Breaks a text into lines between its words. What was broken before, is broken
 * anew: all of it is one paragraph. A word that is too long keeps its line.
 *
 * @param text One paragraph, which may have colours.
 * @param width The most columns of a line.
 * @returns Its lines.
 */
export function wrap(text: string, width: number): string[] {
  // An amount such as 5.4 GiB is one word.
  const words = text.replace(/\s+/g, " ").split(/ (?![KMGT]i?B\b)/)
    .filter(Boolean);
  if (words.length === 0) return [""];
  return joinRows(words, { columns: width, separator: " " });
}

/**
 * Breaks paragraphs, which empty lines part. One that has an indented line or
 * columns, two spaces side by side, is an example or a table and stays as it is.
 *
 * @param text The paragraphs.
 * @param width The most columns of a line.
 * @returns The same, in lines that fit.
 */
export function wrapParagraphs(text: string, width: number): string {
  return text.split("\n\n").map((paragraph) =>
    /^ | {2}/m.test(paragraph) ? paragraph : wrap(paragraph, width).join("\n")
  ).join("\n\n");
}

/**
 * Breaks a paragraph that stands to the right of a label.
 *
 * @param label What the first line begins with; below it the others are empty.
 * @param text The paragraph.
 * @param width The most columns of a line.
 * @returns Its lines.
 */
export function wrapBeside(
  label: string,
  text: string,
  width: number,
): string[] {
  const indent = stripVTControlCharacters(label).length;
  return wrap(text, width - indent)
    .map((line, i) => (i === 0 ? label : " ".repeat(indent)) + line);
}
