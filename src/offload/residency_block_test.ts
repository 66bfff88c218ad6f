import { assertEquals, assertThrows } from "@std/assert";
import { type Random, withRandom } from "../../tests/_random.ts";
import { POLICIES, type PolicyName } from "./eviction.ts";
import { ExpertCache } from "./expert_cache.ts";
import {
  countsOf,
  logOf,
  readBlock,
  residencyLayout,
  writeBlock,
} from "./residency_block.ts";

const POLICY_NAMES = Object.keys(POLICIES) as PolicyName[];

/** Distinct experts, the lower ones more often. */
function someExperts(random: Random, count: number, cache: ExpertCache) {
  const ids = new Set<number>();
  while (ids.size < count) {
    ids.add(Math.floor(cache.expertCount * random.next() * random.next()));
  }
  return [...ids];
}

/** A cache after some steps of every kind. */
function usedCache(
  random: Random,
  options: { topK: number; expertCount: number; policy: PolicyName },
): ExpertCache {
  const { topK, expertCount } = options;
  const slotCount = topK + random.integer(expertCount - topK + 1);
  const cache = new ExpertCache(slotCount, { ...options, halfLife: 7 });
  for (let step = random.integer(60); step > 0; step--) {
    const what = random.next();
    if (what < 0.1) cache.seed(random.integers(5, expertCount));
    else if (what < 0.2) cache.touch(someExperts(random, topK, cache));
    else if (what < 0.3) cache.drop([random.integer(expertCount)]);
    else cache.acquire(someExperts(random, topK, cache));
  }
  return cache;
}

for (const policy of POLICY_NAMES) {
  Deno.test(`a cache that went through a block decides the same with ${policy}`, async () => {
    for (let seed = 1; seed <= 60; seed++) {
      await withRandom(seed, (random) => {
        const expertCount = 2 + random.integer(20);
        const topK = 1 + random.integer(Math.min(4, expertCount));
        const layout = residencyLayout({ expertCount, topK });
        const cache = usedCache(random, { topK, expertCount, policy });
        const words = new Uint32Array(layout.wordCount);
        writeBlock(layout, cache, words);
        // What it knew before is gone, whatever it was.
        const twin = new ExpertCache(cache.slotCount, {
          ...{ expertCount, policy, halfLife: 7 },
        });
        for (let step = random.integer(9); step > 0; step--) {
          twin.acquire(someExperts(random, topK, twin));
        }
        readBlock(layout, words, twin);
        assertEquals(twin.save(), cache.save());
        for (let step = 0; step < 100; step++) {
          const ids = someExperts(random, topK, cache);
          assertEquals(twin.acquire(ids), cache.acquire(ids), `step ${step}`);
        }
        assertEquals(twin.save(), cache.save());
      });
    }
  });
}

Deno.test("ExpertCache.save() is a copy", () => {
  const cache = new ExpertCache(2, { expertCount: 4 });
  cache.acquire([0, 1]);
  const state = cache.save();
  const before = structuredClone(state);
  cache.acquire([2, 3]);
  assertEquals(state, before);
  cache.restore(state);
  cache.acquire([3, 2]);
  assertEquals(state, before);
});

Deno.test("ExpertCache.restore() refuses what is not its own, and changes nothing", () => {
  const cache = new ExpertCache(2, { expertCount: 4 });
  cache.acquire([0, 1]);
  const state = cache.save();
  const refused = [
    [{ idOf: [0] }, "the state has 1 slots, wanted 2"],
    [{ uses: new Uint32Array(5) }, "the state has 5 experts, wanted 4"],
    [{ idOf: [1, 1] }, "slot 1 holds expert 1, wanted each in one slot"],
    [{ idOf: [4, 1] }, "slot 0 holds expert 4, wanted 0 to 3"],
  ] as const;
  for (const [change, message] of refused) {
    assertThrows(
      () => cache.restore({ ...state, ...change }),
      RangeError,
      `Cannot restore ExpertCache: ${message}`,
    );
  }
  assertEquals(cache.save(), state);
});

Deno.test("writeBlock() lays a block out as kernels read it", () => {
  const layout = residencyLayout({ expertCount: 4, topK: 2 });
  assertEquals(layout.wordCount, 64);
  const words = new Uint32Array(64).fill(7);
  const cache = new ExpertCache(3, { expertCount: 4 });
  cache.acquire([2, 0]);
  cache.acquire([2, 1]);
  cache.acquire([3, 1]);
  writeBlock(layout, cache, words);
  const none = 0xffffffff;
  assertEquals([...words.slice(0, 5)], [3, 3, 2, 4, 1]);
  assertEquals([...words.slice(5, 8)], [7, 7, 7]);
  assertEquals([...words.slice(8, 12)], [2, 3, 1, none]);
  assertEquals([...words.slice(12, 16)], [none, 2, 0, 1]);
  assertEquals([...words.slice(16, 20)], [1, 3, 2, 3]);
  assertEquals([...words.slice(20, 24)], [1, 2, 2, 1]);
  assertEquals([...words.slice(24, 28)], [256, 511, 511, 256]);
  assertEquals([...words.slice(28)], Array(36).fill(7), "the log");
  assertEquals(countsOf(words), { hits: 2, misses: 4, evictions: 1 });
});

Deno.test("logOf() views the log of a block among others", () => {
  const layout = residencyLayout({ expertCount: 4, topK: 2 });
  const all = new Uint32Array(128);
  const words = all.subarray(64);
  all.set([3, 1], 64 + 28);
  new Float32Array(all.buffer).set([0.75, 0.25], 64 + 30);
  all.set([2, 0, 1, 3], 64 + 32);
  const { ids, weights, guess } = logOf(layout, words);
  assertEquals([...ids, ...weights, ...guess], [3, 1, 0.75, 0.25, 2, 0, 1, 3]);
});

Deno.test("residencyLayout() begins every block at a multiple of 256 bytes", () => {
  for (const [expertCount, topK] of [[1, 1], [8, 2], [60, 4], [256, 8]]) {
    const { guess, wordCount } = residencyLayout({
      expertCount: expertCount!,
      topK: topK!,
    });
    assertEquals(wordCount % 64, 0);
    assertEquals(Math.floor((wordCount - guess - expertCount!) / 64), 0);
  }
});

Deno.test("blocks are for tokens that fit and for caches of their size", () => {
  const layout = residencyLayout({ expertCount: 4, topK: 2 });
  const words = new Uint32Array(layout.wordCount);
  assertThrows(
    () => writeBlock(layout, new ExpertCache(1, { expertCount: 4 }), words),
    RangeError,
    "Cannot write a residency block: the layer has 1 slots, wanted at least 2, the experts of a token",
  );
  writeBlock(layout, new ExpertCache(3, { expertCount: 4 }), words);
  assertThrows(
    () => readBlock(layout, words, new ExpertCache(2, { expertCount: 4 })),
    RangeError,
    "Cannot read a residency block: it has 3 slots, wanted 2",
  );
});
