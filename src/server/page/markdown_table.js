// @ts-check
import { parseInline } from "./markdown_inline.js";

/** @typedef {import("./markdown_inline.js").Inline} Inline */

/**
 * A table: each cell of its head and of its rows is a text.
 *
 * @typedef {{ kind: "table", head: Inline[][], rows: Inline[][][] }} Table
 */

/** What stands between the head and the rows. */
const DELIMITER = /^ {0,3}\|?( *:?-+:? *\|)* *:?-+:? *(\| *)?$/;

/**
 * @param {string} line
 * @param {string} next The line after it.
 * @returns {boolean} Whether a table begins: as many cells as there are dashes.
 */
export function beginsTable(line, next) {
  return line.includes("|") && next.includes("|") && DELIMITER.test(next) &&
    cellsOf(line).length === cellsOf(next).length;
}

/**
 * @param {string} head
 * @param {readonly string[]} rows The lines after the dashes.
 * @returns {Table} Each row has as many cells as the head.
 */
export function parseTable(head, rows) {
  const names = cellsOf(head).map(parseInline);
  return {
    kind: "table",
    head: names,
    rows: rows.map((row) => {
      const cells = cellsOf(row);
      return names.map((_, i) => parseInline(cells[i] ?? ""));
    }),
  };
}

/** @param {string} line */
function cellsOf(line) {
  const inner = line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) =>
    cell.replaceAll("\\|", "|").trim()
  );
}
