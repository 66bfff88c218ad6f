import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { GridState } from "./grid_state.js";

const gridOf = (slots: number[]) =>
  new GridState({ layerCount: 2, expertCount: 4, slots });

Deno.test("GridState lights what was used, and lets it fade", () => {
  const grid = gridOf([2, 2]);
  grid.apply({
    uses: [[0, 1, 1, 0, 0], [1, 3, 0, 2, 5]],
    resident: [[1, 2], [3]],
  }, 1000);
  assertAlmostEquals(grid.lights.hits[1]!, 0.6, 1e-6);
  assertAlmostEquals(grid.lights.misses[7]!, 0.84, 1e-6);
  assertEquals([...grid.resident], [0, 1, 1, 0, 0, 0, 0, 1]);
  assertEquals(grid.totals.prefetches[7], 5);

  assert(grid.fadeTo(1280));
  assertAlmostEquals(grid.lights.hits[1]!, 0.3, 1e-6);
  assert(grid.fadeTo(1280), "no time has gone");
  assertAlmostEquals(grid.lights.hits[1]!, 0.3, 1e-6);
  assert(!grid.fadeTo(10_000));
  assertEquals([...grid.lights.hits, ...grid.lights.misses], Array(16).fill(0));
  assertEquals(grid.rowOf(1), {
    layer: 1,
    resident: [3],
    hits: 0,
    misses: 2,
    prefetches: 5,
  });
});

Deno.test("GridState lights a cell more with every use, and never beyond 1", () => {
  const grid = gridOf([2, 2]);
  let before = 0;
  for (let i = 0; i < 5; i++) {
    grid.apply({ uses: [[0, 0, 1, 0, 0]], resident: [] }, 0);
    assert(grid.lights.hits[0]! > before);
    before = grid.lights.hits[0]!;
  }
  grid.apply({ uses: [[0, 0, 1e6, 0, 0]], resident: [] }, 0);
  assertEquals(grid.lights.hits[0], 1);
  grid.darken();
  assertEquals(grid.lights.hits[0], 0);
});

Deno.test("GridState knows before the first event where all are resident", () => {
  assertEquals([...gridOf([4, 1]).resident], [1, 1, 1, 1, 0, 0, 0, 0]);
});

Deno.test("GridState ignores cells that there are not", () => {
  const grid = gridOf([1, 1]);
  grid.apply({
    uses: [[2, 0, 1, 1, 1], [-1, 3, 1, 1, 1], [0, 4, 1, 1, 1]],
    resident: [[9], [0], [1]],
  }, 0);
  assertEquals([...grid.resident], [0, 0, 0, 0, 1, 0, 0, 0]);
  assert(!grid.fadeTo(0));
});
