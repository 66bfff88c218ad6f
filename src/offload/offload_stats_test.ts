import { assertEquals, assertStringIncludes } from "@std/assert";
import { describeOffload, offloadReport } from "./describe_stats.ts";
import { differenceOf, OffloadStats, sumOf } from "./offload_stats.ts";

/** Two layers, four tokens. */
function someStats(): OffloadStats {
  const stats = new OffloadStats(2);
  stats.countTokens(4);
  stats.countUses(0, { hits: 5, misses: 3, evictions: 2 });
  stats.countUses(1, { hits: 1, misses: 7 });
  stats.countPrefillUses(1, { hits: 2, misses: 6, evictions: 1 });
  stats.countGuess(1, { guess: [7, 2, 5], experts: [2, 5] });
  stats.countGuess(1, { guess: [3, 4], experts: [4, 3] });
  stats.countBytes(0, { cause: "demand", byteLength: 3e6 });
  stats.countBytes(1, { cause: "prefetchUsed", byteLength: 3e6 });
  stats.countBytes(1, { cause: "prefetchWasted", byteLength: 1e6 });
  stats.countBytes(1, { cause: "prefill", byteLength: 6e6 });
  stats.countBytes(1, { cause: "prefill", byteLength: 2e6 });
  stats.countTimes({ submit: 0.25, readback: 0.5 });
  stats.countTime("decide", 0.125);
  return stats;
}

Deno.test("offloadReport() adds up what was counted", () => {
  const record = someStats().snapshot();
  const report = offloadReport(record, 0.5);
  assertEquals(report.hitRate, 6 / 16);
  assertEquals(report.byteLengthPerToken, 7e6 / 4);
  assertEquals(report.averageLinkGigabytesPerSecond, 30);
  // Top 1: 3 of 4 uses; top 2: 2, 4, 3; top 3 only in the first guess.
  assertEquals(report.prefetchRecall, [1 / 4, 3 / 4, 1]);
  assertEquals(report.prefetchWaste, 1 / 4);
  assertEquals(report.byteLengths.prefill, 8e6);
  assertEquals(report.timeMs.submit, 0.25);
  assertEquals(offloadReport(record).averageLinkGigabytesPerSecond, null);
  assertEquals(report.layers, record.layers);
  assertEquals(record.layers[1]!.guessUses, [4, 4, 2]);
  assertEquals([record.layers[0]!.evictions, record.layers[1]!.evictions], [
    2,
    1,
  ]);
  assertEquals(JSON.parse(JSON.stringify(report)), report);
});

Deno.test("describeOffload() says it in a few words", () => {
  const record = someStats().snapshot();
  assertEquals(
    describeOffload(record, 3),
    "hit rate 0.38; 1.8 MB/token; link 5.0 GB/s on average; prefetch recall 0.25/0.75/1.00, 25 % wasted",
  );
  assertStringIncludes(describeOffload(record, 300), "link 0.050 GB/s");
});

Deno.test("describeOffload() leaves out what there is not", () => {
  const stats = new OffloadStats(1);
  assertEquals(describeOffload(stats.snapshot(), 1), "");
  stats.countUses(0, { hits: 1, misses: 1 });
  assertEquals(describeOffload(stats.snapshot(), 1), "hit rate 0.50");
  stats.countGuess(0, { guess: [1], experts: [1, 2] });
  assertEquals(
    describeOffload(stats.snapshot()),
    "hit rate 0.50; prefetch recall 0.50",
  );
});

Deno.test("differenceOf() gives each answer its own record", () => {
  const stats = someStats();
  const before = stats.snapshot();
  assertEquals(
    differenceOf(stats.snapshot(), before),
    new OffloadStats(2).snapshot(),
  );
  stats.countUses(1, { hits: 1, misses: 1 });
  stats.countTime("submit", 2);
  stats.countTokens();
  const expected = new OffloadStats(2);
  expected.countUses(1, { hits: 1, misses: 1 });
  expected.countTime("submit", 2);
  expected.countTokens();
  assertEquals(differenceOf(stats.snapshot(), before), expected.snapshot());
});

Deno.test("OffloadStats.reset() begins at 0", () => {
  const stats = someStats();
  const before = stats.snapshot();
  stats.reset();
  assertEquals(stats.snapshot(), new OffloadStats(2).snapshot());
  // A snapshot is a copy.
  assertEquals(before, someStats().snapshot());
});

Deno.test("sumOf() adds records number by number", () => {
  const record = someStats().snapshot();
  assertEquals(sumOf([record]), record);
  const sum = sumOf([record, record, record]);
  assertEquals(differenceOf(differenceOf(sum, record), record), record);
  assertEquals(sum.tokenCount, 12);
  assertEquals(sum.layers[1]!.byteLengths.prefill, 24e6);
});
