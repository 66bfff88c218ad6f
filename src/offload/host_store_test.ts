import { assertEquals, assertThrows } from "@std/assert";
import {
  combineStores,
  expertOf,
  type ExpertRange,
  flatId,
  type HostStore,
} from "./host_store.ts";

const SHAPE = { expertCount: 4 };

/** Answers with its own name. */
function namedStore(name: number, disposed: number[]): HostStore {
  const isPinned = name === 1;
  return {
    buffers: isPinned ? [{ label: "pool" } as GPUBuffer] : [],
    placeOf: (id) => isPinned ? { buffer: 0, index: flatId(id, SHAPE) } : null,
    homeOf: (id) => isPinned ? { buffer: 0, index: flatId(id, SHAPE) } : null,
    read: () => Uint8Array.of(name),
    [Symbol.dispose]: () => void disposed.push(name),
  };
}

/** 3 pinned, 4 here, 1 there, of 8: the last two of 10 nowhere. */
function combined(disposed: number[] = []): HostStore {
  const ranges: ExpertRange[] = [
    { first: 0, count: 3 },
    { first: 3, count: 4 },
    { first: 7, count: 1 },
  ];
  const parts = ranges.map((range, i) => ({
    range,
    store: namedStore(i + 1, disposed),
  }));
  return combineStores(parts, SHAPE);
}

Deno.test("expertOf() undoes flatId()", () => {
  for (let flat = 0; flat < 12; flat++) {
    assertEquals(flatId(expertOf(flat, SHAPE), SHAPE), flat);
  }
  assertEquals(expertOf(7, SHAPE), { layer: 1, expert: 3 });
});

Deno.test("combineStores() asks the store that holds the expert", async () => {
  using store = combined();
  const names = [];
  for (let flat = 0; flat < 8; flat++) {
    const id = expertOf(flat, SHAPE);
    assertEquals(
      store.placeOf(id),
      flat < 3 ? { buffer: 0, index: flat } : null,
    );
    names.push((await store.read(id))![0]);
  }
  assertEquals(names, [1, 1, 1, 2, 2, 2, 2, 3]);
  assertEquals(store.buffers.map(({ label }) => label), ["pool"]);
});

Deno.test("combineStores() says which expert no store holds", () => {
  using store = combined();
  for (const find of [store.placeOf, store.homeOf, store.read]) {
    assertThrows(
      () => find({ layer: 2, expert: 1 }),
      RangeError,
      "Cannot find expert 1 of layer 2: no store holds it",
    );
  }
});

Deno.test("combineStores() disposes of all parts", () => {
  const disposed: number[] = [];
  combined(disposed)[Symbol.dispose]();
  assertEquals(disposed, [1, 2, 3]);
});
