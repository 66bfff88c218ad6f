import { assertEquals } from "@std/assert";
import type { PinnedPlace } from "./host_store.ts";
import { poolPartsOf } from "./pool_parts.ts";

/** Asks a store whose layer 1 lies at these places: (buffer, index). */
function partsOf(...places: readonly (readonly [number, number] | null)[]) {
  const store = {
    homeOf({ layer, expert }: { layer: number; expert: number }) {
      assertEquals(layer, 1);
      const place = places[expert] ?? null;
      if (place === null) return null;
      const [buffer, index] = place;
      return { buffer, index } satisfies PinnedPlace;
    },
  };
  return poolPartsOf(store, 1, places.length);
}

Deno.test("poolPartsOf() finds a layer in one part", () => {
  assertEquals(partsOf([3, 4], [3, 5], [3, 6]), [
    { buffer: 3, firstExpert: 0, count: 3, index: 4 },
  ]);
});

Deno.test("poolPartsOf() begins a part with each buffer, and after each gap", () => {
  assertEquals(partsOf([0, 8], [0, 9], [1, 0], [1, 1], [1, 3], [2, 4]), [
    { buffer: 0, firstExpert: 0, count: 2, index: 8 },
    { buffer: 1, firstExpert: 2, count: 2, index: 0 },
    { buffer: 1, firstExpert: 4, count: 1, index: 3 },
    { buffer: 2, firstExpert: 5, count: 1, index: 4 },
  ]);
  // The next buffer goes on with the same number.
  assertEquals(partsOf([0, 1], [1, 2]), [
    { buffer: 0, firstExpert: 0, count: 1, index: 1 },
    { buffer: 1, firstExpert: 1, count: 1, index: 2 },
  ]);
});

Deno.test("poolPartsOf() is null if an expert is not pinned", () => {
  assertEquals(partsOf([0, 0], null, [0, 2]), null);
  assertEquals(partsOf(null), null);
});
