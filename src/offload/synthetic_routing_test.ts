import { assert, assertEquals, assertThrows } from "@std/assert";
import { replay } from "./replay.ts";
import { syntheticRouting } from "./synthetic_routing.ts";
import { syntheticTrace } from "./synthetic_trace.ts";

const MODEL = {
  layerCount: 6,
  expertCount: 8,
  topK: 2,
  vocabSize: 900,
  seed: 5,
};

Deno.test("syntheticRouting() finds routing of a hit rate", () => {
  const cases: [number, number][] = [
    [0.3, 2],
    [0.9, 2],
    [0.55, 4],
    [0.72, 4],
    [0.99, 4],
    [0.9, 7],
  ];
  for (const [hitRate, slots] of cases) {
    const trace = syntheticRouting({ hitRate, slots }, MODEL);
    assertEquals(trace.tokenCount, 900);
    const found = replay(trace, { slots }).hitRate;
    assert(Math.abs(found - hitRate) <= 0.005, `${found}, wanted ${hitRate}`);
  }
});

Deno.test("syntheticRouting() repeats itself by seed and takes a trace as it is", () => {
  const random = syntheticRouting("random", MODEL);
  assertEquals(syntheticRouting("random", MODEL), random);
  const other = syntheticRouting("random", { ...MODEL, seed: 6 });
  assert(String(other.experts) !== String(random.experts));
  const trace = syntheticTrace({ seed: 1, tokenCount: 900, layerCount: 6 });
  assertEquals(syntheticRouting(trace, MODEL), trace);
});

Deno.test("syntheticRouting() refuses what it cannot reach", () => {
  for (const [hitRate, slots] of [[0.3, 4], [1.1, 4], [0.5, 8]] as const) {
    assertThrows(
      () => syntheticRouting({ hitRate, slots }, MODEL),
      RangeError,
      `Cannot make up routing with a hit rate of ${hitRate}: with ${slots} of 8 experts in slots it can be `,
    );
  }
});
