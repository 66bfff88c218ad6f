import { dim } from "@std/fmt/colors";
import type { HubFile } from "../../hub/models_folder.ts";
import type { PullProgress } from "../../hub/pull_options.ts";
import type { RetryNotice } from "../../hub/retry.ts";
import { formatByteLength } from "../../io/byte_length.ts";
import { harmlessLine } from "../../io/harmless.ts";
import { formatTime } from "../format_time.ts";
import type { Io } from "../io.ts";
import { pullLines } from "./pull_lines.ts";
import { RateMeter } from "./rate_meter.ts";

/** Of the same trouble is told this often, at most. */
const REPEAT_MS = 10_000;

/** Where nothing comes, nothing else would say so. */
const REPAINT_MS = 1000;

/** Shows how far a pull is. */
export interface PullDisplay extends Disposable {
  /** How far it is. */
  onProgress(progress: PullProgress): void;
  /** A file is whole and right. */
  onFile(file: HubFile): void;
  /** Something is tried again. All connections fail as one: it is said once. */
  onRetry(notice: RetryNotice): void;
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
  /** When a reason was told last. */
  const toldMs = new Map<string, number>();
  let lineCount = 0;
  let isOver = false;
  /** To the beginning of what was written, and away with all of it. */
  const wiped = () => {
    const up = lineCount > 1 ? `\x1b[${lineCount - 1}A` : "";
    const text = lineCount === 0 ? "" : `\r${up}\x1b[J`;
    lineCount = 0;
    return text;
  };
  const note = (text: string) => {
    if (isQuiet || isOver) return;
    io.err(wiped() + dim(`# ${text}`) + "\n");
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  function onProgress(progress: PullProgress): void {
    if (isQuiet || isOver || !io.terminal.err) return;
    meter.note(progress.receivedByteLength, now());
    const lines = pullLines(progress, {
      rate: meter.rate(),
      ...io.terminal.size(),
    });
    const text = wiped() + lines.join("\n");
    lineCount = lines.length;
    io.err(text);
    clearTimeout(timer);
    timer = setTimeout(() => onProgress(progress), REPAINT_MS);
  }
  return {
    onProgress,
    onFile({ path, byteLength }) {
      if (isQuiet || isOver || io.terminal.err) return;
      note(`${harmlessLine(path)}: ${formatByteLength(byteLength)}`);
    },
    onRetry({ action, reason, waitMs }) {
      const kind = reason.replace(/\d+ bytes/, "bytes");
      if (now() - (toldMs.get(kind) ?? -Infinity) < REPEAT_MS) return;
      toldMs.set(kind, now());
      const soon = waitMs === 0 ? "" : ` in ${formatTime(waitMs / 1000)}`;
      note(harmlessLine(`${action}: ${reason}; once more${soon}`));
    },
    note,
    [Symbol.dispose]() {
      io.err(wiped());
      clearTimeout(timer);
      isOver = true;
    },
  };
}
