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
  /**
   * All bytes moved, by the time in which the answer was made: 10^9 bytes a
   * second. It is an average: the link is idle for some of that time, and how
   * long it is busy nobody tells.
   */
  averageLinkGigabytesPerSecond: number | null;
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
 * @example
 * ```ts
 * import { load, offloadReport } from "../../mod.ts";
 * import { assert } from "@std/assert";
 *
 * using engine = await load("models/stories-17m-q", { slots: 3 });
 * for await (const { final } of engine.generate("One day", { maxTokens: 9 })) {
 *   if (!final?.offload) continue;
 *   const { hitRate } = offloadReport(
 *     final.offload,
 *     final.prefillMs + final.decodeMs,
 *   );
 *   assert(hitRate !== null && hitRate > 0);
 * }
 * ```
 *
 * @param record The record of an answer.
 * @param durationMs In what time the answer was made; without it there is no
 * rate of the link.
 * @returns The record, its sums and its rates.
 */
export function offloadReport(
  record: OffloadRecord,
  durationMs = 0,
): OffloadReport {
  const { layers, tokenCount } = record;
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
  };
  const { demand, prefetchUsed, prefetchWasted, prefill } = byteLengths;
  const ahead = prefetchUsed + prefetchWasted;
  const moved = demand + ahead + prefill;
  return {
    hitRate: share(hits, hits + total((layer) => layer.misses)),
    byteLengthPerToken: share(demand + ahead, tokenCount),
    averageLinkGigabytesPerSecond: share(moved / 1e6, durationMs),
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
 * A record in a few words, for the line of the generation: hit rate, bytes moved
 * per token, average rate of the link, recall of the prefetch at top 1, 2, 3.
 *
 * @example
 * ```ts ignore
 * // hit rate 0.61; 1204.3 MB/token; link 11.2 GB/s on average;
 * // prefetch recall 0.48/0.85/0.95, 12 % wasted
 * ```
 *
 * @param record The record of an answer.
 * @param durationMs In what time the answer was made.
 * @returns The words, without a line break; what there is not is left out.
 */
export function describeOffload(
  record: OffloadRecord,
  durationMs = 0,
): string {
  const report = offloadReport(record, durationMs);
  const parts: string[] = [];
  if (report.hitRate !== null) {
    parts.push(`hit rate ${report.hitRate.toFixed(2)}`);
  }
  if (report.byteLengthPerToken !== null) {
    parts.push(`${megabytes(report.byteLengthPerToken)} MB/token`);
  }
  const rate = report.averageLinkGigabytesPerSecond;
  if (rate !== null && rate > 0) {
    parts.push(`link ${rate.toFixed(rate < 1 ? 3 : 1)} GB/s on average`);
  }
  const recall = report.prefetchRecall.filter((value) => value !== null);
  if (recall.length > 0) {
    const waste = report.prefetchWaste === null
      ? ""
      : `, ${(100 * report.prefetchWaste).toFixed(0)} % wasted`;
    const values = recall.map((value) => value.toFixed(2)).join("/");
    parts.push(`prefetch recall ${values}${waste}`);
  }
  return parts.join("; ");
}

function megabytes(byteLength: number): string {
  return (byteLength / 1e6).toFixed(1);
}

function share(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null;
}
