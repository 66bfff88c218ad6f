import { dim } from "@std/fmt/colors";
import type { Io } from "./io.ts";
import { joinRows } from "./text_width.ts";

/**
 * Writes a line to stderr that is not what was asked for. A terminal breaks it
 * between its parts only.
 *
 * @param io Where to.
 * @param text The line; `; ` is between its parts.
 */
export function note(io: Io, text: string): void {
  const { columns } = io.terminal.size();
  const rows = io.terminal.err
    ? joinRows(text.split("; "), { columns, separator: "; " })
    : [text];
  io.err(rows.map((row) => `${dim(row)}\n`).join(""));
}
