import { assertEquals, assertRejects } from "@std/assert";
import { withRandom } from "../../tests/_random.ts";
import { createDiskStore } from "./disk_store.ts";
import { type ExpertId, expertOf, flatId } from "./host_store.ts";

const SHAPE = { layerCount: 2, expertCount: 5, expertByteLength: 16 };

/** A disk store over a disk that notes what is read, and fails if told to. */
function makeStore(keptCount: number) {
  const reads: number[] = [];
  const arrays = new Set<Uint8Array>();
  const disk = { isBroken: false };
  const store = createDiskStore({
    ...SHAPE,
    keptCount,
    readExpert: (id, into) => {
      const flat = flatId(id, SHAPE);
      reads.push(flat);
      arrays.add(into);
      into.fill(0xee); // a failed read leaves who knows what
      if (disk.isBroken) return Promise.reject(new Error("cut short"));
      into.fill(flat);
      return Promise.resolve();
    },
  });
  return { store, reads, arrays, disk };
}

const id = (flat: number): ExpertId => expertOf(flat, SHAPE);

Deno.test("createDiskStore() reads what it does not keep, and evicts the oldest", async () => {
  const { store, reads } = makeStore(2);
  using _ = store;
  for (const flat of [3, 7, 3, 1, 7, 3]) {
    assertEquals([...(await store.read(id(flat)))!], Array(16).fill(flat));
  }
  // 3 was used after 7, so 1 takes the place of 7, then 7 that of 3.
  assertEquals(reads, [3, 7, 1, 7, 3]);
  assertEquals([store.buffers, store.placeOf(id(3))], [[], null]);
});

Deno.test("createDiskStore() reads as a naive LRU does, in as many arrays as it keeps", async () => {
  for (const keptCount of [1, 2, 4, 10]) {
    await withRandom(keptCount, async (random) => {
      const { store, reads, arrays } = makeStore(keptCount);
      using _ = store;
      let kept: number[] = []; // the oldest first
      const expected: number[] = [];
      for (const flat of random.integers(500, 10)) {
        assertEquals((await store.read(id(flat)))![0], flat);
        if (!kept.includes(flat)) expected.push(flat);
        kept = [...kept.filter((other) => other !== flat), flat];
        kept = kept.slice(-keptCount);
      }
      assertEquals(reads, expected);
      assertEquals(arrays.size, keptCount);
    });
  }
});

Deno.test("createDiskStore() keeps nothing of a failed read", async () => {
  const { store, reads, disk } = makeStore(2);
  using _ = store;
  await store.read(id(1));
  await store.read(id(2));
  disk.isBroken = true;
  await assertRejects(async () => await store.read(id(3)), Error, "cut short");
  await assertRejects(async () => await store.read(id(3)), Error, "cut short");
  disk.isBroken = false;
  for (const flat of [3, 2, 1, 3]) {
    assertEquals([...(await store.read(id(flat)))!], Array(16).fill(flat));
  }
  assertEquals(reads.slice(0, 5), [1, 2, 3, 3, 3]);
});
