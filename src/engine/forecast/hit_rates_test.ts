import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { replay } from "../../offload/replay.ts";
import { syntheticTrace } from "../../offload/synthetic_trace.ts";
import { hitRates } from "./hit_rates.ts";

const COUNTS = { layerCount: 3, expertCount: 8, topK: 2 };
const SEED = 7;

Deno.test("hitRates is slots / experts where nothing is known", () => {
  const { source, rateOf } = hitRates(COUNTS);
  assertEquals(source, "uniform");
  assertEquals([2, 4, 8].map((slots) => rateOf(1, slots)), [0.25, 0.5, 1]);
});

Deno.test("hitRates is what LRU gives for random routing", () => {
  const trace = syntheticTrace({
    ...COUNTS,
    tokenCount: 4000,
    locality: 0,
    guessCount: 0,
    seed: SEED,
  });
  const { rateOf } = hitRates(COUNTS);
  for (const slots of [2, 3, 5, 7]) {
    const { hitRate } = replay(trace, { slots });
    // 24,000 uses: a standard deviation of at most 0.004.
    assertAlmostEquals(rateOf(0, slots), hitRate, 0.015, `seed ${SEED}`);
  }
});

Deno.test("hitRates extends an assumed rate as Mixtral's rates in figure 2 go", () => {
  const counts = { layerCount: 32, expertCount: 8, topK: 2 };
  const { rateOf } = hitRates(counts, { assumed: { hitRate: 0.6, slots: 4 } });
  assertAlmostEquals(rateOf(0, 4), 0.6, 1e-12);
  assertAlmostEquals(rateOf(0, 3), 0.48, 0.01);
  assertAlmostEquals(rateOf(0, 2), 0.36, 0.01);
  assertEquals(rateOf(0, 8), 1);
});

Deno.test("hitRates takes rates of 0 and 1, and refuses others", () => {
  const at = (hitRate: number) =>
    hitRates(COUNTS, { assumed: { hitRate, slots: 4 } }).rateOf(0, 4);
  assertEquals([at(0), at(1)], [0, 1]);
  for (const hitRate of [-0.1, 1.1, NaN]) {
    assertThrows(() => at(hitRate), RangeError, "wanted a number from 0 to 1");
  }
});

Deno.test("hitRates replays a trace, layer by layer", () => {
  const trace = syntheticTrace({
    ...COUNTS,
    tokenCount: 200,
    locality: 0.7,
    guessCount: 0,
    seed: SEED,
  });
  const { source, reason, rateOf } = hitRates(COUNTS, { trace, policy: "lfu" });
  assertEquals(source, "trace");
  assertEquals(reason.includes("200 tokens"), true, reason);
  const { layers } = replay(trace, { slots: 3, policy: "lfu" });
  for (const [layer, { hits, misses }] of layers.entries()) {
    assertEquals(rateOf(layer, 3), hits / (hits + misses), `seed ${SEED}`);
  }
});

Deno.test("hitRates refuses traces of other models, and of prompts alone", () => {
  const trace = syntheticTrace({
    ...COUNTS,
    tokenCount: 4,
    locality: 0,
    guessCount: 0,
    seed: SEED,
  });
  assertThrows(
    () => hitRates({ ...COUNTS, layerCount: 4 }, { trace }),
    RangeError,
    "Cannot use a trace of 3 layers with 2 of 8 experts a token: the model has 4 layers",
  );
  const prompt = { ...trace, kinds: new Uint8Array(4).fill(1) };
  assertThrows(
    () => hitRates(COUNTS, { trace: prompt }),
    RangeError,
    "Cannot use a trace of 4 tokens: none of them was decoded",
  );
});
