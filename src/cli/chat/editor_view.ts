/** How a text that is being typed looks on a terminal. */

import type { Size } from "../io.ts";
import { graphemes, graphemeWidth, textWidth } from "../text_width.ts";
import type { EditorState } from "./line_editor.ts";

/** Rows of a terminal, and where the cursor is in them. */
export interface View {
  /** Text of the rows, which end where they end. */
  readonly rows: readonly string[];
  /** The cursor. */
  readonly row: number;
  /** The cursor. */
  readonly column: number;
}

/** Nothing. */
export const NO_VIEW: View = { rows: [""], row: 0, column: 0 };

/** What stands before the first line, and before the others. */
const PROMPT = "> ";
const MORE_PROMPT = "... ";

/** A tab has no width of its own: where it ends depends on where it stands. */
const TAB = "    ";

/**
 * Lays a text out.
 *
 * @param state The text.
 * @param size The room; if it has too few rows, those around the cursor are shown.
 * @param history Earlier texts, the latest first, for a search in them.
 * @returns The rows.
 */
export function editorView(
  state: EditorState,
  size: Size,
  history: readonly string[] = [],
): View {
  const { search } = state;
  if (search === null) return textView(PROMPT, state, size);
  const { query, entry } = search;
  const found = history[entry];
  const title = found === undefined && query !== "" ? "no match" : "search";
  // Without a match Enter sends what was typed: that is what stands there.
  const shown = found === undefined
    ? state
    : { text: found, cursor: found.length };
  return textView(`(${title}) ${query}: `, shown, size);
}

function textView(
  prompt: string,
  { text, cursor }: { text: string; cursor: number },
  size: Size,
): View {
  const columns = Math.max(8, size.columns);
  const rows: string[] = [];
  let [row, column] = [0, 0];
  let at = 0;
  for (const [i, line] of text.split("\n").entries()) {
    let shown = i === 0 ? prompt : MORE_PROMPT;
    let width = textWidth(shown);
    for (const grapheme of graphemes(line)) {
      const cell = grapheme === "\t" ? TAB : grapheme;
      const cellWidth = grapheme === "\t" ? 4 : graphemeWidth(grapheme);
      if (width + cellWidth > columns) {
        rows.push(shown);
        [shown, width] = ["", 0];
      }
      if (at === cursor) [row, column] = [rows.length, width];
      shown += cell;
      width += cellWidth;
      at += grapheme.length;
    }
    if (width === columns) {
      rows.push(shown);
      [shown, width] = ["", 0];
    }
    if (at === cursor) [row, column] = [rows.length, width];
    rows.push(shown);
    at++; // the line break
  }
  return around({ rows, row, column }, Math.max(1, size.rows - 1));
}

/** As many rows as there is room for, the cursor among them. */
function around({ rows, row, column }: View, limit: number): View {
  const first = Math.max(0, Math.min(row - (limit >> 1), rows.length - limit));
  return { rows: rows.slice(first, first + limit), row: row - first, column };
}

/**
 * What a terminal is sent so that it shows one view in place of another.
 *
 * @param old What it shows.
 * @param view What it is to show.
 * @returns Text and control sequences.
 */
export function redraw(old: View, view: View): string {
  const below = view.rows.length - 1 - view.row;
  return up(old.row) + "\r\x1b[J" + view.rows.join("\r\n") + up(below) + "\r" +
    (view.column > 0 ? `\x1b[${view.column}C` : "");
}

/**
 * What a terminal is sent so that output goes on below a view.
 *
 * @param view What it shows.
 * @returns Text.
 */
export function leave({ rows, row }: View): string {
  return "\r\n".repeat(rows.length - row);
}

/**
 * Where the cursor is after a terminal got another width: it has broken long rows
 * anew.
 *
 * @param view What it showed.
 * @param columns Its new width.
 * @returns The view, good for {@linkcode redraw} only.
 */
export function reflowed(view: View, columns: number): View {
  const width = Math.max(1, columns);
  const rowsOf = (text: string) =>
    Math.max(1, Math.ceil(textWidth(text) / width));
  const above = view.rows.slice(0, view.row)
    .reduce((sum, text) => sum + rowsOf(text), 0);
  return { ...view, row: above + Math.floor(view.column / width) };
}

function up(rows: number): string {
  return rows > 0 ? `\x1b[${rows}A` : "";
}
