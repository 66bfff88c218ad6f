import { assertEquals } from "@std/assert";
import { OffloadStats } from "../../offload/offload_stats.ts";
import { liveRates } from "./live_rates.ts";

const QUEUE = { running: 1, waiting: 3 };

Deno.test("liveRates() makes rates of what two moments counted", () => {
  const stats = new OffloadStats(2);
  stats.countUses(0, { hits: 100, misses: 50 });
  stats.countBytes(1, { cause: "prefetchWasted", byteLength: 7 });
  const before = {
    timeMs: 1000,
    tokenCount: 10,
    promptTokenCount: 3,
    offload: stats.snapshot(),
  };
  stats.countUses(0, { hits: 1, misses: 1 });
  stats.countUses(1, { hits: 2, misses: 0 });
  stats.countPrefillUses(1, { hits: 90, misses: 90 });
  for (const cause of ["demand", "prefill", "prefetchUsed"] as const) {
    stats.countBytes(0, { cause, byteLength: 40 });
  }
  const now = {
    timeMs: 1500,
    tokenCount: 14,
    promptTokenCount: 43,
    offload: stats.snapshot(),
  };
  assertEquals(liveRates(now, before, QUEUE), {
    timeMs: 1500,
    tokensPerSecond: 8,
    promptTokensPerSecond: 80,
    linkBytesPerSecond: 240,
    hitRate: 0.75,
    hits: 103,
    misses: 51,
    prefetchUsedBytes: 40,
    prefetchWastedBytes: 7,
    running: 1,
    queued: 3,
  });
  const { hitRate, hits } = liveRates(now, now, QUEUE);
  assertEquals([hitRate, hits], [null, 103], "nothing was used meanwhile");
});

Deno.test("liveRates() begins anew where the counts do", () => {
  const [old, young] = [new OffloadStats(1), new OffloadStats(1)];
  old.countUses(0, { hits: 100, misses: 50 });
  old.countBytes(0, { cause: "demand", byteLength: 4000 });
  young.countUses(0, { hits: 3, misses: 1 });
  young.countBytes(0, { cause: "demand", byteLength: 40 });
  const counts = { tokenCount: 4, promptTokenCount: 0 };
  const rates = liveRates(
    { ...counts, timeMs: 2000, offload: young.snapshot() },
    { ...counts, timeMs: 1000, offload: old.snapshot() },
    QUEUE,
  );
  assertEquals([rates.hitRate, rates.linkBytesPerSecond], [0.75, 40]);
});

Deno.test("liveRates() has no hits to tell of where nothing is offloaded", () => {
  const counts = { tokenCount: 4, promptTokenCount: 0, offload: null };
  const before = { ...counts, timeMs: 0 };
  const rates = liveRates({ ...counts, timeMs: 1000 }, before, QUEUE);
  assertEquals([rates.hitRate, rates.hits, rates.misses], [null, 0, 0]);
  assertEquals([rates.linkBytesPerSecond, rates.tokensPerSecond], [0, 0]);
});
