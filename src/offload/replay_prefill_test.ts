import { assert, assertEquals } from "@std/assert";
import { withRandom } from "../../tests/_random.ts";
import { POLICIES, type PolicyName } from "./eviction.ts";
import { belady, replay } from "./replay.ts";
import { expertsAt, type RoutingTrace } from "./routing_trace.ts";
import { syntheticTrace } from "./synthetic_trace.ts";

const POLICY_NAMES = Object.keys(POLICIES) as PolicyName[];

/** A trace of one layer, top 1: ids, each a kind before it. */
function traceOf(...tokens: [kind: number, id: number][]): RoutingTrace {
  const trace = syntheticTrace({
    seed: 1,
    tokenCount: tokens.length,
    layerCount: 1,
    topK: 1,
  });
  trace.kinds.set(tokens.map(([kind]) => kind));
  trace.experts.set(tokens.map(([, id]) => id));
  return trace;
}

function countsOf(result: ReturnType<typeof replay>) {
  return [result.hits, result.misses, result.evictions];
}

Deno.test("replay() seeds the cache with the last tokens of a chunk", () => {
  // One chunk: 0 and 1 pass by, 2 to 5 are the last four tokens'.
  const chunk: [number, number][] = [0, 1, 2, 3, 4, 5]
    .map((id, i) => [i === 0 ? 2 : 1, id]);
  const after = (id: number, slots: number) =>
    countsOf(replay(traceOf(...chunk, [0, id]), { slots }));
  assertEquals(after(2, 4), [1, 0, 0]);
  assertEquals(after(1, 4), [0, 1, 1]);
  // Six slots do not hold more than the four that are given to them.
  assertEquals(after(1, 6), [0, 1, 0]);
  assertEquals(after(5, 1), [1, 0, 0]);
  // Two chunks: each leaves its last.
  const two = traceOf(...chunk, [2, 0], [1, 1], [0, 1], [0, 0], [0, 5]);
  assertEquals(countsOf(replay(two, { slots: 2 })), [2, 1, 3]);
});

Deno.test("replay() takes tokens of a prompt without a first one for a chunk", () => {
  const marked = traceOf([2, 3], [1, 4], [0, 3], [1, 5], [1, 6], [0, 6]);
  const unmarked = traceOf([1, 3], [1, 4], [0, 3], [1, 5], [1, 6], [0, 6]);
  for (const slots of [1, 2, 3]) {
    const wanted = replay(marked, { slots });
    assertEquals(replay(unmarked, { slots }), wanted);
  }
});

/** The fewest misses there can be, by trying what to keep. */
function fewestMisses(trace: RoutingTrace, slotCount: number): number {
  function from(token: number, residents: readonly number[]): number {
    if (token === trace.tokenCount) return 0;
    const [id] = expertsAt(trace, { token, layer: 0 }) as [number];
    const all = [...new Set([id, ...residents])];
    const isDecode = trace.kinds[token] === 0;
    const keeps = all.length <= slotCount
      ? [all]
      : all.map((out) => all.filter((other) => other !== out))
        .filter((kept) => !isDecode || kept.includes(id));
    const rest = Math.min(...keeps.map((kept) => from(token + 1, kept)));
    return rest + (isDecode && !residents.includes(id) ? 1 : 0);
  }
  return from(0, []);
}

Deno.test("belady() keeps the best of a chunk, as brute force does", async () => {
  for (let seed = 1; seed <= 60; seed++) {
    await withRandom(seed, (random) => {
      const trace = syntheticTrace({
        seed,
        tokenCount: 11,
        layerCount: 1,
        expertCount: 5,
        topK: 1,
        locality: 0,
      });
      trace.kinds.set(random.integers(11, 3));
      for (const slots of [1, 2, 3]) {
        // A chunk of one token each: what a longer one brings in comes and
        // goes as freely, so that nothing is lost by cutting it up.
        trace.kinds.forEach((kind, i) => trace.kinds[i] = kind && 2);
        assertEquals(
          belady(trace, { slots }).misses,
          fewestMisses(trace, slots),
        );
      }
    });
  }
});

Deno.test("belady() is never worse than a policy after prompts", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    await withRandom(seed, (random) => {
      const trace = syntheticTrace({ seed, tokenCount: 200, layerCount: 2 });
      trace.kinds.set(random.integers(200, 3));
      for (let slots = 2; slots <= 8; slots++) {
        const best = belady(trace, { slots });
        for (const policy of POLICY_NAMES) {
          const { layers } = replay(trace, { slots, policy });
          for (const [layer, { hits, misses }] of layers.entries()) {
            const fewest = best.layers[layer]!;
            assert(fewest.misses <= misses);
            assertEquals(fewest.hits + fewest.misses, hits + misses);
          }
        }
      }
    });
  }
});
