import { assertEquals, assertThrows } from "@std/assert";
import { planBench } from "./bench_cases.ts";

const EXPERTS = { expertCount: 8 };

Deno.test("planBench() of no wishes is one case, as load() has it", () => {
  assertEquals(planBench({}, EXPERTS), [{
    options: {
      expertBits: undefined,
      slots: undefined,
      policy: undefined,
      prefetch: undefined,
      residency: undefined,
    },
    routing: null,
  }]);
});

Deno.test("planBench() combines everything, bits outermost", () => {
  const cases = planBench({
    expertBits: [4, 2],
    slots: [5, [2, 3], "auto"],
    policy: ["lru"],
    prefetch: ["off", "next-layer"],
  }, EXPERTS);
  assertEquals(
    cases.map(({ options: { expertBits, slots, policy, prefetch } }) =>
      `${expertBits} ${slots} ${policy} ${prefetch}`
    ),
    [
      "4 5 lru off",
      "4 5 lru next-layer",
      "4 2,3 lru off",
      "4 2,3 lru next-layer",
      "4 auto lru off",
      "4 auto lru next-layer",
      "2 5 lru off",
      "2 5 lru next-layer",
      "2 2,3 lru off",
      "2 2,3 lru next-layer",
      "2 auto lru off",
      "2 auto lru next-layer",
    ],
  );
});

Deno.test("planBench() combines residency with the rest, and changes it first", () => {
  const cases = planBench({
    slots: [8, 5],
    policy: ["lru", "lfu"],
    prefetch: ["off"],
    residency: ["gpu", "cpu"],
  }, EXPERTS);
  assertEquals(
    cases.map(({ options: { slots, policy, prefetch, residency } }) =>
      `${slots} ${policy} ${prefetch} ${residency}`
    ),
    [
      "8 undefined undefined undefined",
      "5 lru off gpu",
      "5 lru off cpu",
      "5 lfu off gpu",
      "5 lfu off cpu",
    ],
  );
});

Deno.test("planBench() counts offloadPerLayer from the other end", () => {
  const cases = planBench({ offloadPerLayer: [0, 3] }, EXPERTS);
  assertEquals(cases.map(({ options }) => options.slots), [8, 5]);
});

Deno.test("planBench() gives hit rates to the slots that miss, in order", () => {
  const cases = planBench({
    slots: [5, 8, 3],
    policy: ["lru", "lfu"],
    hitRates: [0.8, 0.6],
  }, EXPERTS);
  const five = { hitRate: 0.8, slots: 5 };
  const three = { hitRate: 0.6, slots: 3 };
  assertEquals(
    cases.map(({ routing }) => routing),
    [five, five, null, three, three],
  );
});

Deno.test("planBench() varies nothing that has nothing to do", () => {
  const cases = planBench({
    slots: [8, [8, 8], [8, 7]],
    policy: ["lru", "lfu"],
    prefetch: ["off", "next-layer"],
  }, EXPERTS);
  assertEquals(
    cases.map(({ options: { slots, policy } }) => `${slots} ${policy}`),
    ["8 undefined", "8,8 undefined"].concat(
      ...["lru", "lfu"].map((policy) => Array(2).fill(`8,7 ${policy}`)),
    ),
  );
});

Deno.test("planBench() refuses what contradicts itself in a sentence", () => {
  for (
    const [wish, message] of [
      [
        { slots: [5], offloadPerLayer: [3] },
        "Cannot bench: there are slots and experts to offload per layer, wanted one of both",
      ],
      [
        { slots: [8, 5, 4], hitRates: [0.9] },
        "Cannot bench: received 1 hit rate, wanted 2, one for each number of slots below 8",
      ],
      [
        { hitRates: [0.9] },
        "Cannot bench: received 1 hit rate, wanted 0, one for each number of slots below 8",
      ],
      [
        { slots: [[5, 6]], hitRates: [0.9] },
        "Cannot bench with a hit rate: slots are 5/6, wanted a number for all layers",
      ],
    ] as const
  ) {
    assertThrows(() => planBench(wish, EXPERTS), RangeError, message);
  }
});
