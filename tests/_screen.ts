/** What a terminal shows: enough of one for tests. */

import { graphemes, graphemeWidth } from "../src/cli/text_width.ts";

// deno-lint-ignore no-control-regex -- terminals speak in control characters
const CONTROL = /^(?:\x1b\[([0-?]*)([@-~])|[\0-\x1f\x7f])/;
// deno-lint-ignore no-control-regex -- the same
const PLAIN = /^[^\0-\x1f\x7f]+/;

/** Rows without end, so that nothing scrolls away. */
export class Screen {
  /** Cells of the rows; the second of a wide character is empty. */
  readonly #rows: string[][] = [[]];
  #row = 0;
  #column = 0;
  #columns: number;

  /**
   * Makes an empty screen.
   *
   * @param columns Characters of a row.
   */
  constructor(columns: number) {
    this.#columns = columns;
  }

  /** What it shows, without spaces at the ends of rows. */
  get text(): string {
    return this.#rows.map((row) =>
      Array.from(row, (cell) => cell ?? " ").join("").trimEnd()
    ).join("\n");
  }

  /** The row with the cursor. */
  get line(): string {
    return this.text.split("\n")[this.#row] ?? "";
  }

  /** The cursor's column. */
  get column(): number {
    return this.#column;
  }

  /**
   * Shows what a program wrote.
   *
   * @param output Whole control sequences.
   */
  write(output: string): void {
    for (let rest = output; rest !== "";) {
      const [plain] = PLAIN.exec(rest) ?? [];
      if (plain !== undefined) {
        for (const grapheme of graphemes(plain)) this.#put(grapheme);
        rest = rest.slice(plain.length);
        continue;
      }
      const [all = rest[0]!, parameters = "", final = ""] =
        CONTROL.exec(rest) ?? [];
      this.#control(all, Number(parameters || 1), final);
      rest = rest.slice(all.length);
    }
  }

  /**
   * Gets another width. Rows that are too long are broken anew, as most terminals
   * do; none are joined again.
   *
   * @param columns Characters of a row.
   */
  resize(columns: number): void {
    this.#columns = columns;
    for (let i = 0; i < this.#rows.length; i++) {
      const row = this.#rows[i]!;
      if (row.length <= columns) continue;
      this.#rows.splice(i, 1, row.slice(0, columns), row.slice(columns));
      if (this.#row > i) this.#row++;
      else if (this.#row === i && this.#column >= columns) {
        this.#row++;
        this.#column -= columns;
      }
    }
  }

  #put(grapheme: string): void {
    const width = graphemeWidth(grapheme);
    if (this.#column + width > this.#columns) {
      this.#row++;
      this.#column = 0;
    }
    const row = this.#rows[this.#row] ??= [];
    row[this.#column] = grapheme;
    if (width === 2) row[this.#column + 1] = "";
    this.#column += width;
  }

  #control(all: string, count: number, final: string): void {
    if (all === "\r") this.#column = 0;
    if (all === "\n") this.#row++;
    this.#rows[this.#row] ??= [];
    const row = this.#rows[this.#row]!;
    if (final === "A") this.#row = Math.max(0, this.#row - count);
    if (final === "C") {
      this.#column = Math.min(this.#columns - 1, this.#column + count);
    }
    if (final === "K" || final === "J") row.length = this.#column;
    if (final === "J") this.#rows.length = this.#row + 1;
    if (final === "H") this.#row = this.#column = 0;
  }
}
