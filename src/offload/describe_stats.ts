import {
  type ByteCause,
  GUESS_DEPTH,
  type OffloadRecord,
} from "./offload_stats.ts";

/** What a record comes to; `null` where there is nothing to divide by. */
export interface OffloadSummary {
  /** Share of the uses in decode that found their expert in a slot. */
  hitRate: number | null;
  /** Bytes moved in decode for each token, wasted ones included. */
  byteLengthPerToken: number | null;
  /** All bytes moved, by the time that the link was busy: 10^9 bytes a second. */
  linkGigabytesPerSecond: number | null;
  /** Share of the experts used that the first 1, 2, 3 guesses name: (3) */
  prefetchRecall: (number | null)[];
  /** Share of the bytes moved ahead of time that were of no use. */
  prefetchWaste: number | null;
  /** Bytes moved by cause, all layers together. */
  byteLengths: Record<ByteCause, number>;
}

/** A record and what it comes to: what `--json` prints. */
export interface OffloadReport extends OffloadSummary, OffloadRecord {}

/**
 * Adds a record up.
 *
 * @param record The record of an answer.
 * @returns The record, its sums and its rates.
 */
export function offloadReport(record: OffloadRecord): OffloadReport {
  const { layers, tokenCount, timeMs } = record;
  const total = (pick: (layer: OffloadRecord["layers"][number]) => number) =>
    layers.reduce((sum, layer) => sum + pick(layer), 0);
  const hits = total((layer) => layer.hits);
  const bytesFor = (cause: ByteCause) =>
    total((layer) => layer.byteLengths[cause]);
  const byteLengths = {
    demand: bytesFor("demand"),
    prefetchUsed: bytesFor("prefetchUsed"),
    prefetchWasted: bytesFor("prefetchWasted"),
    prefill: bytesFor("prefill"),
    seed: bytesFor("seed"),
  };
  const { demand, prefetchUsed, prefetchWasted, prefill, seed } = byteLengths;
  const ahead = prefetchUsed + prefetchWasted;
  const moved = demand + ahead + prefill + seed;
  return {
    hitRate: share(hits, hits + total((layer) => layer.misses)),
    byteLengthPerToken: share(demand + ahead, tokenCount),
    linkGigabytesPerSecond: share(moved / 1e6, timeMs.transfer),
    prefetchRecall: Array.from({ length: GUESS_DEPTH }, (_, i) =>
      share(
        total((layer) => layer.guessHits[i]!),
        total((layer) => layer.guessUses[i]!),
      )),
    prefetchWaste: share(prefetchWasted, ahead),
    byteLengths,
    ...record,
  };
}

/**
 * A record in one line, for after the line of the generation: hit rate, bytes
 * moved per token, rate of the link, recall of the prefetch at top 1, 2, 3.
 *
 * @example
 * ```ts ignore
 * // # hit rate 0.61; 1204.3 MB/token; link 41.2 GB/s;
 * // prefetch recall 0.48/0.85/0.95, 12 % wasted
 * ```
 *
 * @param record The record of an answer.
 * @returns The line, without a line break; what there is not is left out.
 */
export function offloadLine(record: OffloadRecord): string {
  const report = offloadReport(record);
  const parts: string[] = [];
  if (report.hitRate !== null) {
    parts.push(`hit rate ${report.hitRate.toFixed(2)}`);
  }
  if (report.byteLengthPerToken !== null) {
    parts.push(`${(report.byteLengthPerToken / 1e6).toFixed(1)} MB/token`);
  }
  if (report.linkGigabytesPerSecond !== null) {
    parts.push(`link ${report.linkGigabytesPerSecond.toFixed(1)} GB/s`);
  }
  const recall = report.prefetchRecall.filter((value) => value !== null);
  if (recall.length > 0) {
    const waste = report.prefetchWaste === null
      ? ""
      : `, ${(100 * report.prefetchWaste).toFixed(0)} % wasted`;
    const values = recall.map((value) => value.toFixed(2)).join("/");
    parts.push(`prefetch recall ${values}${waste}`);
  }
  return parts.length === 0
    ? "# nothing was offloaded"
    : `# ${parts.join("; ")}`;
}

function share(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null;
}
