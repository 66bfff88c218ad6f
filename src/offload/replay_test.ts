import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertThrows,
} from "@std/assert";
import { withRandom } from "../../tests/_random.ts";
import { POLICIES, type PolicyName } from "./eviction.ts";
import { belady, replay } from "./replay.ts";
import { expertsAt, parseTrace } from "./routing_trace.ts";
import { syntheticTrace } from "./synthetic_trace.ts";

const POLICY_NAMES = Object.keys(POLICIES) as PolicyName[];

/** The fewest misses there can be, by trying every victim. */
function fewestMisses(
  steps: readonly (readonly number[])[],
  slotCount: number,
): number {
  const known = new Map<string, number>();
  function from(step: number, residents: readonly number[]): number {
    const ids = steps[step];
    if (ids === undefined) return 0;
    const key = `${step}:${residents}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const missing = ids.filter((id) => !residents.includes(id));
    const idle = residents.filter((id) => !ids.includes(id));
    const keep = Math.min(idle.length, slotCount - ids.length);
    const fewest = missing.length + Math.min(
      ...subsets(idle, keep).map((kept) =>
        from(step + 1, [...ids, ...kept].sort())
      ),
    );
    known.set(key, fewest);
    return fewest;
  }
  return from(0, []);
}

/** All subsets of a size. */
function subsets(ids: readonly number[], size: number): number[][] {
  if (size === 0) return [[]];
  return ids.flatMap((id, i) =>
    subsets(ids.slice(i + 1), size - 1).map((rest) => [id, ...rest])
  );
}

Deno.test("belady() equals brute force on tiny traces", async () => {
  for (let seed = 1; seed <= 60; seed++) {
    await withRandom(seed, (random) => {
      const expertCount = 4 + random.integer(3);
      const topK = 1 + random.integer(2);
      const slots = topK + random.integer(expertCount - topK + 1);
      const trace = syntheticTrace({
        seed,
        tokenCount: 12,
        layerCount: 1,
        expertCount,
        topK,
        locality: random.next() / 2,
      });
      const steps = Array.from(
        { length: 12 },
        (_, token) => expertsAt(trace, { token, layer: 0 }),
      );
      assertEquals(
        belady(trace, { slots }).misses,
        fewestMisses(steps, slots),
      );
    });
  }
});

Deno.test("belady() is never worse than a policy", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    await withRandom(seed, (random) => {
      const shape = { seed, tokenCount: 300, layerCount: 3, expertCount: 10 };
      const trace = syntheticTrace({ ...shape, locality: random.next() });
      for (let slots = 2; slots <= 10; slots++) {
        const best = belady(trace, { slots });
        for (const policy of POLICY_NAMES) {
          const { layers, ...sums } = replay(trace, { slots, policy });
          assertEquals(sums.hits + sums.misses, 1800);
          for (const [layer, { misses }] of layers.entries()) {
            assert(best.layers[layer]!.misses <= misses);
          }
        }
      }
    });
  }
});

Deno.test("replay() never evicts when every expert has a slot", () => {
  const trace = syntheticTrace({ seed: 3, tokenCount: 200, layerCount: 2 });
  for (const run of [replay, belady]) {
    const { layers, hitRate } = run(trace, { slots: 8 });
    assertEquals(layers.map(({ evictions }) => evictions), [0, 0]);
    assertEquals(layers.map(({ misses }) => misses), [8, 8]);
    assertEquals(hitRate, 784 / 800);
  }
});

Deno.test("replay() hits more than chance on the routing of stories-17m", async () => {
  const path = new URL(
    "../../tests/testdata/routing/stories_17m.trace",
    import.meta.url,
  );
  const trace = parseTrace(await Deno.readFile(path));
  assertEquals([trace.tokenCount, trace.layerCount], [512, 6]);
  const rate = (slots: number) => replay(trace, { slots }).hitRate;
  assertEquals([2, 4, 6].map((slots) => rate(slots).toFixed(3)), [
    "0.310",
    "0.557",
    "0.789",
  ]);
});

Deno.test("replay() takes slots layer by layer", () => {
  const trace = syntheticTrace({ seed: 3, tokenCount: 500, layerCount: 3 });
  const mixed = replay(trace, { slots: [2, 5, 8] });
  for (const [layer, slots] of [2, 5, 8].entries()) {
    assertEquals(mixed.layers[layer], replay(trace, { slots }).layers[layer]);
  }
});

Deno.test("replay() passes over the tokens of prompts", () => {
  const trace = syntheticTrace({ seed: 3, tokenCount: 10, layerCount: 1 });
  trace.kinds.fill(1, 0, 4);
  const sum = (result: { hits: number; misses: number }) =>
    result.hits + result.misses;
  assertEquals(sum(replay(trace, { slots: 4 })), 12);
  assertEquals(sum(replay(trace, { slots: 4, includePrefill: true })), 20);
  trace.kinds.fill(1);
  assertEquals(replay(trace, { slots: 4 }).hitRate, 0);
});

Deno.test("replay() refuses slots of another model", () => {
  const trace = syntheticTrace({ seed: 3, tokenCount: 1, layerCount: 2 });
  for (const run of [replay, belady]) {
    assertThrows(
      () => run(trace, { slots: [2] }),
      RangeError,
      "Cannot replay: slots are listed for 1 layer, wanted one number for each of 2 layers",
    );
    assertThrows(
      () => run(trace, { slots: [2, 9] }),
      RangeError,
      "Cannot replay layer 1: it gets 9 slots, wanted 2 to 8",
    );
    assertThrows(() => run(trace, { slots: 1 }), RangeError, "gets 1 slot");
  }
});

Deno.test("syntheticTrace() without memory hits as slots to experts", () => {
  const trace = syntheticTrace({ seed: 1, tokenCount: 4000, locality: 0 });
  for (const slots of [2, 4, 6]) {
    // 256,000 uses: five standard deviations are 0.005.
    assertAlmostEquals(replay(trace, { slots }).hitRate, slots / 8, 0.005);
  }
});

Deno.test("syntheticTrace() keeps experts as likely as it is told", () => {
  const shape = { seed: 1, tokenCount: 2000, layerCount: 2 };
  const trace = syntheticTrace({ ...shape, locality: [1, 0.4] });
  const { layers } = replay(trace, { slots: 2 });
  assertEquals(layers[0]!.misses, 2);
  // Kept, or else drawn again by chance: 2 of 8.
  assertAlmostEquals(layers[1]!.hits / 4000, 0.4 + 0.6 * 0.25, 0.03);
});

Deno.test("syntheticTrace() draws by popularity and guesses by recall", () => {
  const trace = syntheticTrace({
    seed: 1,
    tokenCount: 1000,
    layerCount: 2,
    expertCount: 4,
    topK: 1,
    locality: 0,
    popularity: [[4, 3, 2, 1], [0, 0, 1, 1]],
    guessCount: 1,
    guessRecall: 0.7,
  });
  const counts = [[0, 0, 0, 0], [0, 0, 0, 0]];
  let right = 0;
  for (let place = 0; place < 2000; place++) {
    counts[place % 2]![trace.experts[place]!]!++;
    if (trace.guesses[place] === trace.experts[place]) right++;
  }
  for (const [id, count] of [400, 300, 200, 100].entries()) {
    assertAlmostEquals(counts[0]![id]!, count, 80);
  }
  assertEquals(counts[1]!.slice(0, 2), [0, 0]);
  assertAlmostEquals(right, 700, 75);
});
