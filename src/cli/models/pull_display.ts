import { dim } from "@std/fmt/colors";
import type { HubFile } from "../../hub/models_folder.ts";
import type { PullProgress } from "../../hub/pull_options.ts";
import { formatByteLength } from "../../io/byte_length.ts";
import type { Io } from "../io.ts";
import { pullLines } from "./pull_lines.ts";
import { RateMeter } from "./rate_meter.ts";

/** Shows how far a pull is. */
export interface PullDisplay extends Disposable {
  /** How far it is. */
  onProgress(progress: PullProgress): void;
  /** A file is whole and right. */
  onFile(file: HubFile): void;
  /** Something else to say, in a line. */
  note(text: string): void;
}

/**
 * Shows a pull on stderr: on a terminal lines that are written over and over,
 * and wiped when disposed of; elsewhere a line for each file.
 *
 * @param io Where to.
 * @param isQuiet Whether to write nothing.
 * @param now What tells the time, in milliseconds.
 * @returns The display.
 */
export function pullDisplay(
  io: Io,
  isQuiet: boolean,
  now: () => number = () => performance.now(),
): PullDisplay {
  const meter = new RateMeter();
  let lineCount = 0;
  let isOver = false;
  /** To the beginning of what was written, and away with all of it. */
  const wiped = () => {
    const up = lineCount > 1 ? `\x1b[${lineCount - 1}A` : "";
    const text = lineCount === 0 ? "" : `\r${up}\x1b[J`;
    lineCount = 0;
    return text;
  };
  return {
    onProgress(progress) {
      if (isQuiet || isOver || !io.terminal.err) return;
      meter.note(progress.receivedByteLength, now());
      const size = io.terminal.size();
      const lines = pullLines(progress, { rate: meter.rate(), ...size });
      const text = wiped() + lines.join("\n");
      lineCount = lines.length;
      io.err(text);
    },
    onFile({ path, byteLength }) {
      if (isQuiet || isOver || io.terminal.err) return;
      io.err(`# ${path}: ${formatByteLength(byteLength)}\n`);
    },
    note(text) {
      if (isQuiet || isOver) return;
      io.err(wiped() + dim(`# ${text}`) + "\n");
    },
    [Symbol.dispose]() {
      io.err(wiped());
      isOver = true;
    },
  };
}
