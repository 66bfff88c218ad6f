import type { FileProgress, PullProgress } from "../../hub/pull_options.ts";
import { formatByteLength } from "../../io/byte_length.ts";
import { harmlessLine } from "../../io/harmless.ts";
import { formatTime } from "../format_time.ts";
import { cutToWidth, padToWidth, textWidth } from "../text_width.ts";

/** Characters of the bar. */
const BAR_WIDTH = 20;

/**
 * Writes how far a pull is.
 *
 * ```text
 * pulling [##########..........] 8.5 of 17.0 GiB, 98.2 MiB/s, 1 min 29 s left; 3 of 9 files
 *   model-00001-of-00003.safetensors   45 %
 *   model-00002-of-00003.safetensors  checking
 * ```
 *
 * @param progress How far it is.
 * @param options Bytes a second, if known, and the size of the terminal in
 * characters.
 * @returns Lines that fit the terminal.
 */
export function pullLines(
  progress: PullProgress,
  { rate, columns, rows }: {
    rate: number | null;
    columns: number;
    rows: number;
  },
): string[] {
  const inWork = progress.inWork.slice(0, Math.max(0, rows - 2))
    .map((file) => ({ ...file, path: harmlessLine(file.path) }));
  const width = Math.max(0, ...inWork.map(({ path }) => textWidth(path)));
  const total = totalLine(progress, rate);
  return [
    total.length < columns ? total : total.replace(/ \[[#.]*\]/, ""),
    ...inWork.map((file) =>
      fileLine(file, Math.min(width, Math.max(8, columns - 13)))
    ),
    // The last column stays empty: some terminals wrap there.
  ].map((line) => cutToWidth(line, columns - 1));
}

function totalLine(
  { doneByteLength, totalByteLength, doneFileCount, fileCount }: PullProgress,
  rate: number | null,
): string {
  const share = totalByteLength === 0 ? 1 : doneByteLength / totalByteLength;
  const filled = Math.floor(share * BAR_WIDTH);
  const bar = "#".repeat(filled) + ".".repeat(BAR_WIDTH - filled);
  const left = totalByteLength - doneByteLength;
  const speed = rate === null || left === 0
    ? []
    : rate === 0
    ? ["nothing comes"]
    : [`${formatByteLength(rate)}/s`, `${formatTime(left / rate)} left`];
  return [
    `pulling [${bar}] ${amountOf(doneByteLength, totalByteLength)}`,
    ...speed,
  ].join(", ") + `; ${doneFileCount} of ${fileCount} files`;
}

/** `8.5 of 17.0 GiB`, but `512 bytes of 17.0 GiB`. */
function amountOf(done: number, total: number): string {
  const [value, unit] = formatByteLength(done).split(" ");
  const whole = formatByteLength(total);
  return whole.endsWith(` ${unit}`)
    ? `${value} of ${whole}`
    : `${value} ${unit} of ${whole}`;
}

function fileLine(
  { path, doneByteLength, byteLength, isChecking }: FileProgress,
  width: number,
): string {
  // The end of a name is what tells it from others.
  const name = padToWidth(cutToWidth(path, width, "start"), width);
  const percent = byteLength === 0
    ? 100
    : Math.floor(100 * doneByteLength / byteLength);
  const state = isChecking ? "checking" : `${percent} %`.padStart(5);
  return `  ${name}  ${state}`;
}

/**
 * Names files by their kind: `*.bin, *.md, original/*`.
 *
 * @param paths Paths with slashes.
 * @param limit The most kinds.
 * @returns The kinds that most files are of.
 */
export function describeKinds(
  paths: readonly string[],
  limit: number,
): string {
  const counts = new Map<string, number>();
  for (const path of paths) {
    const name = path.split("/").at(-1)!;
    const extension = /[^.]\.([^.]+)$/.exec(name)?.[1];
    const kind = path.includes("/")
      ? `${path.split("/")[0]}/*`
      : extension === undefined
      ? name
      : `*.${extension}`;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const kinds = [...counts].sort(([, a], [, b]) => b - a).map(([kind]) => kind);
  const more = kinds.length > limit ? ", ..." : "";
  // Nobody has checked the names of files that are not fetched.
  return harmlessLine(kinds.slice(0, limit).join(", ")) + more;
}
