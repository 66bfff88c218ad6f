import { assertEquals, assertThrows } from "@std/assert";
import { type Random, withRandom } from "../../tests/_random.ts";
import type { Load } from "./acquired.ts";
import { POLICIES, type PolicyName } from "./eviction.ts";
import { ExpertCache } from "./expert_cache.ts";
import { NaiveCache } from "./_naive_cache.ts";

const POLICY_NAMES = Object.keys(POLICIES) as PolicyName[];

/** Distinct experts, the lower ones more often. */
function someExperts(
  random: Random,
  { count, expertCount }: { count: number; expertCount: number },
): number[] {
  const ids = new Set<number>();
  while (ids.size < count) {
    ids.add(Math.floor(expertCount * random.next() * random.next()));
  }
  return [...ids];
}

/** What the slots of a GPU would hold if the loads were made. */
class Shadow {
  readonly content = new Map<number, number>();

  make(loads: readonly Load[]): void {
    for (const { id, slot } of loads) this.content.set(slot, id);
  }

  check(cache: ExpertCache): void {
    for (const [slot, id] of cache.state().entries()) {
      if (id === undefined) continue;
      assertEquals(this.content.get(slot), id);
      assertEquals(cache.slotOf(id), slot);
    }
  }
}

for (const policy of POLICY_NAMES) {
  Deno.test(`ExpertCache decides like a naive ${policy} cache`, async () => {
    for (let seed = 1; seed <= 40; seed++) {
      await withRandom(seed, (random) => {
        const expertCount = 2 + random.integer(15);
        const slotCount = 1 + random.integer(expertCount);
        const cache = new ExpertCache(slotCount, { policy, expertCount });
        const naive = new NaiveCache(slotCount, expertCount, policy);
        for (let step = 0; step < 500; step++) {
          const count = 1 + random.integer(Math.min(3, slotCount));
          const ids = someExperts(random, { count, expertCount });
          const { loads } = cache.acquire(ids);
          assertEquals(
            loads.map(({ id }) => id),
            naive.acquire(ids),
            `step ${step}`,
          );
          assertEquals(cache.state(), naive.slots, `step ${step}`);
        }
      });
    }
  });

  Deno.test(`ExpertCache always says what is in a slot with ${policy}`, async () => {
    for (let seed = 1; seed <= 100; seed++) {
      await withRandom(seed, (random) => {
        const expertCount = 3 + random.integer(14);
        const slotCount = 2 + random.integer(expertCount - 1);
        const cache = new ExpertCache(slotCount, { policy, expertCount });
        const shadow = new Shadow();
        for (let step = 0; step < 200; step++) {
          doSomething(random, { cache, shadow });
          shadow.check(cache);
        }
        const filled = cache.state().filter((id) => id !== undefined);
        assertEquals(new Set(filled).size, filled.length);
      });
    }
  });

  Deno.test(`ExpertCache never evicts when every expert fits with ${policy}`, async () => {
    await withRandom(5, (random) => {
      const cache = new ExpertCache(8, { policy, expertCount: 8 });
      for (let step = 0; step < 1000; step++) {
        cache.acquire(someExperts(random, { count: 2, expertCount: 8 }));
      }
      assertEquals(cache.evictions, 0);
      assertEquals(cache.misses, 8);
      assertEquals(cache.hits, 1992);
    });
  });
}

/** Calls one method with random arguments and checks what it says. */
function doSomething(
  random: Random,
  { cache, shadow }: { cache: ExpertCache; shadow: Shadow },
): void {
  const { slotCount, expertCount } = cache;
  const what = random.next();
  if (what < 0.1) {
    const ids = random.integers(random.integer(20), expertCount);
    const loads = cache.seed(ids);
    shadow.make(loads);
    const last = [...new Set(ids.toReversed())].slice(0, slotCount);
    assertEquals(cache.missing(last), []);
    return;
  }
  if (what < 0.2) {
    const before = cache.state();
    const count = 1 + random.integer(expertCount);
    const ids = someExperts(random, { count, expertCount });
    const hits = cache.touch(ids);
    assertEquals(hits, count - cache.missing(ids).length);
    assertEquals(cache.state(), before);
    return;
  }
  if (what < 0.25) {
    const id = random.integer(expertCount);
    cache.drop([id]);
    assertEquals(cache.slotOf(id), undefined);
    return;
  }
  const count = 1 + random.integer(slotCount);
  const ids = someExperts(random, { count, expertCount });
  const missing = cache.missing(ids);
  const { slots, loads, hits } = cache.acquire(ids);
  shadow.make(loads);
  assertEquals(loads.map(({ id }) => id), missing);
  assertEquals(hits, count - missing.length);
  // All that the step needs is there, in distinct slots.
  assertEquals(slots.map((slot) => shadow.content.get(slot)), ids);
  assertEquals(new Set(slots).size, count);
}

Deno.test("ExpertCache matches the shortest LRU there is", async () => {
  await withRandom(7, (random) => {
    const cache = new ExpertCache(5, { expertCount: 16 });
    let recent: number[] = [];
    let hits = 0;
    for (let step = 0; step < 20_000; step++) {
      const id = Math.floor(16 * random.next() * random.next());
      if (recent.includes(id)) hits++;
      assertEquals(cache.acquire([id]).hits === 1, recent.includes(id));
      recent = [id, ...recent.filter((other) => other !== id)].slice(0, 5);
    }
    assertEquals(cache.hits, hits);
    assertEquals(cache.hits + cache.misses, 20_000);
    assertEquals(cache.evictions, cache.misses - 5);
  });
});

Deno.test("ExpertCache never evicts what the step needs", () => {
  const cache = new ExpertCache(2, { expertCount: 4 });
  cache.acquire([0, 1]);
  cache.acquire([1]);
  // 0 is the least recently used one, but needed.
  assertEquals(cache.acquire([2, 0]), {
    slots: [1, 0],
    loads: [{ id: 2, slot: 1 }],
    hits: 1,
  });
});

Deno.test("ExpertCache.seed() keeps the order of use", () => {
  const cache = new ExpertCache(3, { expertCount: 8 });
  cache.acquire([0, 1]);
  const loads = cache.seed([5, 1, 4, 1, 3]);
  assertEquals(loads.map(({ id }) => id), [4, 3]);
  assertEquals(cache.hits + cache.misses, 2);
  // From the least recently used on: 4, 1, 3.
  assertEquals(cache.missing([4, 1, 3]), []);
  cache.acquire([6]);
  assertEquals(cache.slotOf(4), undefined);
  cache.acquire([7]);
  assertEquals(cache.slotOf(1), undefined);
});

Deno.test("ExpertCache.touch() counts streamed experts as misses", () => {
  const cache = new ExpertCache(2, { expertCount: 8 });
  cache.acquire([0, 1]);
  assertEquals(cache.touch([0, 2, 3, 4]), 1);
  assertEquals([cache.hits, cache.misses], [1, 5]);
  assertEquals(cache.state(), [0, 1]);
  // The resident that was touched is the more recent one.
  cache.acquire([5]);
  assertEquals(cache.state(), [0, 5]);
});

Deno.test("ExpertCache loads a dropped expert again", () => {
  const cache = new ExpertCache(2, { expertCount: 4 });
  cache.acquire([0, 1]);
  cache.drop([0, 3]);
  assertEquals(cache.state(), [undefined, 1]);
  assertEquals(cache.acquire([0]).loads, [{ id: 0, slot: 0 }]);
  assertEquals(cache.evictions, 0);
});

Deno.test("ExpertCache with class-lru keeps a frequent expert longer", () => {
  const cache = new ExpertCache(2, { expertCount: 8, policy: "class-lru" });
  for (let step = 0; step < 8; step++) cache.acquire([0]);
  cache.acquire([1]);
  // 0 is older, but of class 2: four steps count as one.
  cache.acquire([2]);
  assertEquals(cache.state(), [0, 2]);
  cache.acquire([3]);
  assertEquals(cache.state(), [0, 3]);
  // Four steps since its last use count as one: the lower slot goes.
  cache.acquire([4]);
  assertEquals(cache.state(), [4, 3]);
});

Deno.test("ExpertCache refuses what it cannot do, and changes nothing", () => {
  const cache = new ExpertCache(2, { expertCount: 4 });
  cache.acquire([0, 1]);
  const refused: [readonly number[], string][] = [
    [
      [0, 1, 2],
      "Cannot acquire 3 experts: the layer has 2 slots, wanted as many",
    ],
    [[1, 1], "Cannot acquire expert 1: it is named twice"],
    [[4], "Cannot acquire expert 4: the layer has experts 0 to 3"],
    [[-1], "Cannot acquire expert -1: the layer has experts 0 to 3"],
    [[0.5], "Cannot acquire expert 0.5: the layer has experts 0 to 3"],
    [[2, NaN], "Cannot acquire expert NaN: the layer has experts 0 to 3"],
  ];
  for (const [ids, message] of refused) {
    assertThrows(() => cache.acquire(ids), RangeError, message);
  }
  assertThrows(() => cache.touch([2, 2]), RangeError, "named twice");
  assertThrows(() => cache.seed([9]), RangeError, "Cannot seed expert 9");
  assertEquals([cache.hits, cache.misses, cache.evictions], [0, 2, 0]);
  assertEquals(cache.state(), [0, 1]);
  assertEquals(cache.slotOf(9), undefined);
  assertEquals(cache.missing([1, 2]), [2]);
});

Deno.test("ExpertCache must have 1 to all slots", () => {
  for (const slotCount of [0, -1, 1.5, 9, NaN]) {
    assertThrows(
      () => new ExpertCache(slotCount, { expertCount: 8 }),
      RangeError,
      `Cannot create ExpertCache: slotCount is ${slotCount}, wanted 1 to 8, the number of experts`,
    );
  }
  assertThrows(
    () => new ExpertCache(1, { expertCount: 0 }),
    RangeError,
    "Cannot create UseHistory: expertCount is 0, wanted a whole number of at least 1",
  );
});
