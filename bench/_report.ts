/** Tables of what suites measured. */

import type { Peaks } from "./_peak.ts";

/** What was measured of a case. */
export interface Row {
  /** The case. */
  readonly name: string;
  /** Microseconds of one op. */
  readonly us: number;
  /** Bytes that it has to move, each once; 0 if latency is all that counts. */
  readonly byteLength: number;
  /** Float32 operations that it has to do; 0 if bytes are all that counts. */
  readonly flops: number;
}

const HEADINGS = ["what", "us", "GB/s", "% VRAM", "GFLOP/s", "% float32"];

/**
 * Writes rows for people: how fast each is, and what share that is of what the
 * device does at most.
 *
 * @param title What they have in common.
 * @param rows The rows.
 * @param peaks What the device does at most.
 * @returns Lines, with a line break at the end.
 */
export function reportOf(
  title: string,
  rows: readonly Row[],
  peaks: Peaks,
): string {
  const { gigabytesPerSecond, gigaflopsPerSecond } = peaks;
  const cells = rows.map(({ name, us, byteLength, flops }) => {
    const rate = byteLength / us / 1e3;
    const speed = flops / us / 1e3;
    return [
      name,
      us.toFixed(us < 1000 ? 1 : 0),
      ...byteLength === 0
        ? ["", ""]
        : [digits(rate), (100 * rate / gigabytesPerSecond).toFixed(0)],
      ...flops === 0
        ? ["", ""]
        : [digits(speed), (100 * speed / gigaflopsPerSecond).toFixed(0)],
    ];
  });
  const table = [HEADINGS, ...cells];
  const widths = HEADINGS.map((_, i) =>
    Math.max(...table.map((row) => row[i]!.length))
  );
  const lines = table.map((row) =>
    row.map((cell, i) =>
      i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)
    ).join("  ").trimEnd()
  );
  const limits = `VRAM ${digits(gigabytesPerSecond)} GB/s, float32 ${
    digits(gigaflopsPerSecond)
  } GFLOP/s at most`;
  return [title, limits, "", ...lines, ""].join("\n");
}

function digits(value: number): string {
  return value.toFixed(value < 1 ? 3 : value < 10 ? 1 : 0);
}
