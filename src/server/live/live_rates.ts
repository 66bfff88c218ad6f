import type { OffloadRecord } from "../../offload/offload_stats.ts";
import type { QueueLength } from "../request_queue.ts";
import type { RatesEvent } from "./live_event.ts";

/** What has been counted by one moment. */
export interface LiveCounts {
  /** The moment, in milliseconds since the server started. */
  readonly timeMs: number;
  /** Tokens of answers. */
  readonly tokenCount: number;
  /** Tokens of prompts that ran. */
  readonly promptTokenCount: number;
  /** What offloading counted; `null` if all experts are on the GPU. */
  readonly offload: OffloadRecord | null;
}

/**
 * What the counts of two moments say of the time between them.
 *
 * @param now The later counts.
 * @param before The earlier ones.
 * @param queue Who is with the model now.
 * @returns The rates. Without offloading nothing is hit or missed.
 */
export function liveRates(
  now: LiveCounts,
  before: LiveCounts,
  { running, waiting }: QueueLength,
): RatesEvent {
  const seconds = (now.timeMs - before.timeMs) / 1000;
  const perSecond = (count: number) => seconds > 0 ? count / seconds : 0;
  const sums = sumsOf(now.offload);
  let then = sumsOf(before.offload);
  // A model that was loaded again after its device was lost counts anew.
  if (sums.hits < then.hits || sums.misses < then.misses) then = sumsOf(null);
  const hits = sums.hits - then.hits;
  const misses = sums.misses - then.misses;
  return {
    timeMs: now.timeMs,
    tokensPerSecond: perSecond(now.tokenCount - before.tokenCount),
    promptTokensPerSecond: perSecond(
      now.promptTokenCount - before.promptTokenCount,
    ),
    linkBytesPerSecond: perSecond(sums.bytes - then.bytes),
    hitRate: hits + misses > 0 ? hits / (hits + misses) : null,
    hits: sums.hits,
    misses: sums.misses,
    prefetchUsedBytes: sums.prefetchUsed,
    prefetchWastedBytes: sums.prefetchWasted,
    running,
    queued: waiting,
  };
}

/** The counts of all layers together. */
function sumsOf(record: OffloadRecord | null) {
  const sums = { hits: 0, misses: 0, bytes: 0 };
  const prefetch = { prefetchUsed: 0, prefetchWasted: 0 };
  for (const { hits, misses, byteLengths } of record?.layers ?? []) {
    sums.hits += hits;
    sums.misses += misses;
    for (const byteLength of Object.values(byteLengths)) {
      sums.bytes += byteLength;
    }
    prefetch.prefetchUsed += byteLengths.prefetchUsed;
    prefetch.prefetchWasted += byteLengths.prefetchWasted;
  }
  return { ...sums, ...prefetch };
}
