import { dim } from "@std/fmt/colors";
import { describeProgress } from "./describe_progress.ts";
import type { LoadOptions } from "./open_engine.ts";
import type { Io } from "./io.ts";
import { cutToWidth, padToWidth, textWidth } from "./text_width.ts";

/** A line on a terminal that says how far something is. */
export interface ProgressLine extends Disposable {
  /** Shows how far it is. */
  show: NonNullable<LoadOptions["onProgress"]>;
  /** Shows any text; an empty one wipes the line. */
  write(text: string): void;
  /** Wipes the line, and writes one that stays; what is shown next begins anew. */
  say(text: string): void;
}

/**
 * Makes a line that is written over and over, and wiped when disposed of. What
 * does not fit the terminal is cut: a second row would stay. What
 * is reported after the end is not shown. Without a terminal on stderr, or if quiet,
 * it writes nothing.
 *
 * @param io Where to.
 * @param isQuiet Whether to write nothing.
 * @param now What tells the time, in milliseconds.
 * @returns The line.
 */
export function progressLine(
  io: Io,
  isQuiet: boolean,
  now: () => number = performance.now.bind(performance),
): ProgressLine {
  let shown = "";
  let isWritten = !isQuiet && io.terminal.err;
  let current: string | undefined;
  let start = 0;
  function write(text: string): void {
    const line = cutToWidth(text, io.terminal.size().columns - 1);
    if (line === shown) return;
    io.err(`\r${padToWidth(line, textWidth(shown))}`);
    if (line === "") io.err("\r");
    shown = line;
  }
  return {
    show(progress) {
      if (!isWritten) return;
      if (progress.what !== current) start = now();
      current = progress.what;
      write(describeProgress(progress, (now() - start) / 1000));
    },
    write: (text) => {
      if (isWritten) write(text);
    },
    say(text) {
      write("");
      current = undefined;
      if (!isQuiet) io.err(dim(`# ${text.trimEnd()}`) + "\n");
    },
    [Symbol.dispose]: () => {
      write("");
      isWritten = false;
    },
  };
}
