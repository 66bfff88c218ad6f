import { assertEquals } from "@std/assert";
import type { GenerateResult } from "./generate.ts";
import { GenerationClock, statsLine } from "./stats.ts";

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

Deno.test("GenerationClock gives no rate where nothing ran", () => {
  const clock = new GenerationClock();
  clock.prefillEnds(0);
  const times = clock.times();
  assertEquals(times.timeToFirstTokenMs, null);
  assertEquals(times.prefillTokensPerSecond, null);
  assertEquals(times.decodeMs, 0);
});
