import { padToWidth, textWidth } from "./text_width.ts";

/** Which columns of a table hold words. */
export interface TableOptions {
  /** Columns that are aligned at their left; the others hold numbers. */
  readonly left?: readonly number[];
}

/**
 * Writes a table for a terminal.
 *
 * @param rows Cells by row and column, headings first; all rows of one length.
 * @param options Which columns hold words.
 * @returns A line for each row.
 */
export function alignedTable(
  rows: readonly (readonly string[])[],
  { left = [] }: TableOptions = {},
): string[] {
  return padded(rows, left).map((row) => row.join("  ").trimEnd());
}

/**
 * Writes a table in Markdown.
 *
 * @param rows Cells by row and column, headings first; all rows of one length.
 * @param options Which columns hold words.
 * @returns A line for each row, and the rule below the headings.
 */
export function markdownTable(
  rows: readonly (readonly string[])[],
  { left = [] }: TableOptions = {},
): string[] {
  const cells = rows.map((row) =>
    row.map((cell) => cell.replaceAll("|", "\\|"))
  );
  const lines = padded(cells, left).map((row) => `| ${row.join(" | ")} |`);
  const rule = widthsOf(cells).map((width, i) =>
    left.includes(i) ? "-".repeat(width) : `${"-".repeat(width - 1)}:`
  );
  return [lines[0]!, `| ${rule.join(" | ")} |`, ...lines.slice(1)];
}

function padded(
  rows: readonly (readonly string[])[],
  left: readonly number[],
): string[][] {
  const widths = widthsOf(rows);
  return rows.map((row) =>
    row.map((cell, i) =>
      padToWidth(cell, widths[i]!, left.includes(i) ? "end" : "start")
    )
  );
}

/** A rule in Markdown has two characters at least. */
function widthsOf(rows: readonly (readonly string[])[]): number[] {
  return rows[0]!.map((_, i) =>
    Math.max(2, ...rows.map((row) => textWidth(row[i]!)))
  );
}
