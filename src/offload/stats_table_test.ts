import { assertEquals } from "@std/assert";
import { OffloadStats } from "./offload_stats.ts";
import { offloadTable } from "./stats_table.ts";

Deno.test("offloadTable() has a row for each layer with something in it", () => {
  const stats = new OffloadStats(12);
  stats.countTokens(19);
  stats.countUses(0, { hits: 14, misses: 24, evictions: 24 });
  stats.countPrefillUses(0, { hits: 0, misses: 7 });
  stats.countUses(10, { hits: 18, misses: 20, evictions: 17 });
  stats.countPrefillUses(10, { hits: 2, misses: 4 });
  stats.countGuess(10, { guess: [1, 2, 3], experts: [2, 3] });
  stats.countBytes(0, { cause: "demand", byteLength: 4.9e6 });
  stats.countBytes(10, { cause: "prefetchUsed", byteLength: 3e6 });
  stats.countBytes(10, { cause: "prefill", byteLength: 0.84e6 });
  stats.countTimes({ readback: 364.75, encode: 8.41, idle: 5.13 });
  assertEquals(
    offloadTable(stats.snapshot()),
    `
layer  hits  misses  hit rate  evictions    recall 1/2/3  prompt   MB
    0    14      24      0.37         24                     0/7  4.9
   10    18      20      0.47         17  0.00/0.50/1.00     2/6  3.8
  sum    32      44      0.42         41  0.00/0.50/1.00    2/13  8.7
bytes  demand 4.9 MB, prefetch used 3.0 MB, prefill 0.8 MB
time   readback 364.8 ms, encode 8.4 ms; the GPU idle for 5.1 ms`.trimStart(),
  );
});

Deno.test("offloadTable() of nothing is short", () => {
  assertEquals(
    offloadTable(new OffloadStats(2).snapshot()),
    `
layer  hits  misses  hit rate  evictions  recall 1/2/3  prompt   MB
  sum     0       0                    0                   0/0  0.0
bytes  none
time   none; the GPU idle for 0.0 ms`.trimStart(),
  );
});
