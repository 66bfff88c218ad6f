import { assertEquals } from "@std/assert";
import type { RatesEvent } from "../live/live_event.ts";
import { HISTORY_MS, RateHistory, roundUp } from "./rate_history.js";

const sample = (timeMs: number, hitRate: number | null = 0.5): RatesEvent => ({
  timeMs,
  tokensPerSecond: timeMs / 1000,
  promptTokensPerSecond: 0,
  linkBytesPerSecond: 0,
  hitRate,
  hits: 0,
  misses: 0,
  prefetchUsedBytes: 0,
  prefetchWastedBytes: 0,
  running: 0,
  queued: 0,
});

Deno.test("RateHistory leaves gaps where there is no value, or nobody listened", () => {
  const history = new RateHistory();
  for (const time of [0, 1000]) history.add(sample(time));
  history.add(sample(2000, null));
  history.add(sample(3000));
  for (const time of [10_000, 11_000]) history.add(sample(time));
  const lengths = history.pieces(({ hitRate }) => hitRate, 1)
    .map((piece) => piece.length);
  assertEquals(lengths, [2, 1, 2]);
  const rates = history.pieces((rates) => rates.tokensPerSecond, 22);
  assertEquals(rates.at(-1)!.at(-1), { x: 1, y: 0.5 });
  assertEquals(history.max((rates) => rates.tokensPerSecond), 11);
});

Deno.test("RateHistory forgets what is older, and what another server said", () => {
  const history = new RateHistory();
  for (let time = 0; time <= HISTORY_MS + 5000; time += 1000) {
    history.add(sample(time));
  }
  const [piece] = history.pieces(({ hitRate }) => hitRate, 1);
  assertEquals(piece!.length, HISTORY_MS / 1000 + 1);
  assertEquals(piece![0], { x: 0, y: 0.5 });
  history.add(sample(1000));
  assertEquals(history.pieces(({ hitRate }) => hitRate, 1), [[{
    x: 1,
    y: 0.5,
  }]]);
});

Deno.test("roundUp() ends axes at round numbers", () => {
  const values = [0, 0.3, 1, 1.1, 2, 4.9, 5.1, 19, 21, 100, 101];
  assertEquals(values.map(roundUp), [1, 1, 1, 2, 2, 5, 10, 20, 50, 100, 200]);
});
