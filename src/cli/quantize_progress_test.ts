import { assertEquals } from "@std/assert";
import { quantizeProgress } from "./quantize_progress.ts";

Deno.test("quantizeProgress() says how fast it goes and how long it takes", () => {
  const lines: string[] = [];
  let now = 1000;
  const report = quantizeProgress(({ what }) => lines.push(what), () => now);
  const total = 46e9;
  report({ what: "quantizing", done: 0, total });
  now += 10_000;
  report({ what: "quantizing", done: 160e6, total });
  now += 1_990_000;
  report({ what: "quantizing", done: 40e9, total });
  now += 290_000;
  report({ what: "quantizing", done: 45.8e9, total });
  report({ what: "quantizing", done: total, total });
  assertEquals(lines, [
    "quantizing",
    "quantizing: 16.0 M weights/s, 47 min 45 s left,",
    "quantizing: 20.0 M weights/s, 5 min 0 s left,",
    "quantizing: 20.0 M weights/s, 10 s left,",
    "quantizing: 20.1 M weights/s, 0 s left,",
  ]);
});

Deno.test("quantizeProgress() counts hours", () => {
  const lines: string[] = [];
  let now = 0;
  const report = quantizeProgress(({ what }) => lines.push(what), () => now);
  now = 1000;
  report({ what: "quantizing", done: 1e6, total: 7201e6 });
  assertEquals(lines, ["quantizing: 1.0 M weights/s, 2 h 0 min left,"]);
});
