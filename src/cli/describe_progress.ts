import type { LoadOptions } from "./open_engine.ts";

/** How far something is. */
type Progress = Parameters<NonNullable<LoadOptions["onProgress"]>>[0];

/** Characters of the bar. */
const BAR_WIDTH = 20;

/** Seconds before a rate says anything. */
const RATE_SECONDS = 0.5;

/** Seconds before counts say how long it still takes: they may be large. */
const COUNT_SECONDS = 2;

/**
 * Writes how far something is, how fast it goes and how long it still takes.
 *
 * ```text
 * loading [##########..........] 8.5 of 17.0 GB, 3.2 GB/s, 3 s left
 * ```
 *
 * @param progress How far it is.
 * @param seconds How long it has taken so far.
 * @returns A line; of what counts no bytes the per cent and, if it takes long, the
 * time left.
 */
export function describeProgress(
  { what, done, total, doneByteLength = 0, totalByteLength = 0 }: Progress,
  seconds: number,
): string {
  if (totalByteLength === 0) {
    const percent = total > 0 ? Math.floor(100 * done / total) : 100;
    const line = `${what} ${percent} %`;
    if (seconds < COUNT_SECONDS || done === 0) return line;
    const left = Math.ceil(seconds * (total - done) / done);
    return `${line}, ${describeSeconds(left)} left`;
  }
  const share = Math.min(1, doneByteLength / totalByteLength);
  const filled = Math.floor(share * BAR_WIDTH);
  const bar = "#".repeat(filled) + ".".repeat(BAR_WIDTH - filled);
  const [unit, name] = totalByteLength < 1e9 ? [1e6, "MB"] : [1e9, "GB"];
  const amount = (byteLength: number) => (byteLength / unit).toFixed(1);
  const line = `${what} [${bar}] ${amount(doneByteLength)} of ${
    amount(totalByteLength)
  } ${name}`;
  if (seconds < RATE_SECONDS || doneByteLength === 0) return line;
  const rate = doneByteLength / seconds;
  const left = Math.ceil((totalByteLength - doneByteLength) / rate);
  return `${line}, ${amount(rate)} ${name}/s, ${describeSeconds(left)} left`;
}

/**
 * Writes a time for people.
 *
 * @param seconds Whole seconds.
 * @returns Such as `42 s`, and `1 min 15 s` for 75.
 */
export function describeSeconds(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
