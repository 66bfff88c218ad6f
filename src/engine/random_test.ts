import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { freshSeed, seededRandom } from "./random.ts";

function draw(seed: number, count: number): number[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => random());
}

Deno.test("seededRandom() gives the same numbers for the same seed", () => {
  assertEquals(draw(42, 10), draw(42, 10));
});

Deno.test("seededRandom() gives other numbers for any other seed", () => {
  for (const seed of [1, 2, 2 ** 31, 2 ** 32, 2 ** 53 - 1]) {
    assertNotEquals(draw(0, 1), draw(seed, 1));
  }
});

Deno.test("seededRandom() fills [0, 1) evenly", () => {
  const numbers = draw(3, 100_000);
  const buckets = new Array<number>(10).fill(0);
  for (const number of numbers) {
    assert(number >= 0 && number < 1);
    buckets[Math.floor(number * 10)]!++;
  }
  // 10,000 expected; the standard deviation is 95.
  for (const count of buckets) assert(Math.abs(count - 10_000) < 500);
});

Deno.test("freshSeed() is a seed", () => {
  const seed = freshSeed();
  assert(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32);
});
