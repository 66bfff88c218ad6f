import { assertEquals } from "@std/assert";
import { largest } from "./largest.ts";
import { seededRandom } from "./random.ts";

function ids(values: readonly number[], count: number): number[] {
  const found = new Uint32Array(count);
  largest(new Float32Array(values), count, found);
  return [...found];
}

Deno.test("largest() puts the largest first", () => {
  assertEquals(ids([1, 5, 3, 4], 2), [1, 3]);
  assertEquals(ids([1, 5, 3, 4], 4), [1, 3, 2, 0]);
  assertEquals(ids([1, 5], 0), []);
  assertEquals(ids([], 0), []);
});

Deno.test("largest() prefers the lower id of equal values", () => {
  assertEquals(ids([2, 7, 7, 2, 7], 4), [1, 2, 4, 0]);
  assertEquals(ids([-Infinity, -Infinity, 0], 2), [2, 0]);
});

Deno.test("largest() agrees with a full sort", () => {
  const random = seededRandom(1);
  for (let round = 0; round < 50; round++) {
    // Few distinct values, so that there are many ties.
    const values = Array.from(
      { length: 1 + Math.floor(random() * 200) },
      () => Math.floor(random() * 30),
    );
    const sorted = values.map((_, id) => id)
      .sort((a, b) => values[b]! - values[a]! || a - b);
    const count = Math.floor(random() * (values.length + 1));
    assertEquals(ids(values, count), sorted.slice(0, count));
  }
});
