import { assertEquals } from "@std/assert";
import type { GenerateResult } from "./generate.ts";
import { OffloadStats } from "../offload/offload_stats.ts";
import { GenerationClock, offloadReportOf, statsLine } from "./stats.ts";

const RESULT: GenerateResult = {
  ids: [],
  text: "",
  finishReason: "stop",
  contextFull: false,
  seed: 1,
  promptTokens: 24,
  cachedTokens: 12,
  completionTokens: 118,
  timeToFirstTokenMs: 312,
  prefillMs: 38.7,
  decodeMs: 2840,
  prefillTokensPerSecond: 310.4,
  decodeTokensPerSecond: 41.23,
};

Deno.test("statsLine() is one line", () => {
  assertEquals(
    statsLine(RESULT),
    "# 118 tokens: 41.2 tok/s; first token after 0.31 s; " +
      "prompt 24 tokens (12 cached) at 310 tok/s",
  );
});

Deno.test("statsLine() leaves out what there is not", () => {
  const line = statsLine({
    ...RESULT,
    promptTokens: 1,
    cachedTokens: 0,
    completionTokens: 0,
    timeToFirstTokenMs: null,
    prefillTokensPerSecond: null,
    decodeTokensPerSecond: null,
  });
  assertEquals(line, "# 0 tokens; prompt 1 token");
});

Deno.test("statsLine() tells what offloading did", () => {
  const stats = new OffloadStats(2);
  stats.countTokens(117);
  stats.countUses(1, { hits: 61, misses: 39 });
  stats.countBytes(1, { cause: "demand", byteLength: 11.7e9 });
  stats.countBytes(1, { cause: "prefill", byteLength: 3e9 });
  stats.countGuess(1, { guess: [3, 4], experts: [3, 4] });
  const result = { ...RESULT, prefillMs: 160, offload: stats.snapshot() };
  assertEquals(
    statsLine(result),
    `${statsLine(RESULT)}; hit rate 0.61; 100.0 MB/token; ` +
      "link 4.9 GB/s on average; prefetch recall 0.50/1.00",
  );
  assertEquals(offloadReportOf(result)?.averageLinkGigabytesPerSecond, 4.9);
  assertEquals(offloadReportOf(RESULT), null);
  // A generation without a token has nothing to say of it.
  const idle = { ...RESULT, offload: new OffloadStats(2).snapshot() };
  assertEquals(statsLine(idle), statsLine(RESULT));
});

Deno.test("GenerationClock gives no rate where nothing ran", () => {
  const clock = new GenerationClock();
  clock.prefillEnds(0);
  const times = clock.times();
  assertEquals(times.timeToFirstTokenMs, null);
  assertEquals(times.prefillTokensPerSecond, null);
  assertEquals(times.decodeMs, 0);
});
