import type { LoadOptions } from "./open_engine.ts";
import type { Io } from "./io.ts";

/** A line on a terminal that says how far something is. */
export interface ProgressLine extends Disposable {
  /** Shows how far it is. */
  show: NonNullable<LoadOptions["onProgress"]>;
}

/**
 * Makes a line that is written over and over, and wiped when disposed of.
 * Without a terminal on stderr, or if quiet, it writes nothing.
 *
 * @param io Where to.
 * @param isQuiet Whether to write nothing.
 * @returns The line.
 */
export function progressLine(io: Io, isQuiet: boolean): ProgressLine {
  let shown = "";
  function write(line: string): void {
    if (isQuiet || !io.terminal.err || line === shown) return;
    io.err(`\r${line.padEnd(shown.length)}`);
    shown = line;
  }
  return {
    show({ what, done, total }) {
      const percent = total > 0 ? Math.floor(100 * done / total) : 100;
      write(`${what} ${percent} %`);
    },
    [Symbol.dispose]: () => {
      if (shown === "") return;
      write("");
      io.err("\r");
    },
  };
}
