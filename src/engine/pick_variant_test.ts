import { assertEquals } from "@std/assert";
import { median, noise, pickVariant } from "./pick_variant.ts";

/** Measurements that are all the same. */
function steady(value: number, ms: number) {
  return { value, ms: Array<number>(9).fill(ms) };
}

Deno.test("pickVariant() takes the fastest if it is clearly faster", () => {
  const variants = [steady(1, 90), steady(2, 80), steady(8, 100)];
  assertEquals(pickVariant(variants, 8), 2);
  assertEquals(pickVariant(variants, 2), 2);
  assertEquals(pickVariant(variants.toReversed(), 8), 2);
});

Deno.test("pickVariant() keeps the default for less than 2 %", () => {
  assertEquals(pickVariant([steady(1, 98.1), steady(8, 100)], 8), 8);
  assertEquals(pickVariant([steady(1, 97.9), steady(8, 100)], 8), 1);
});

Deno.test("pickVariant() keeps the default for less than the noise", () => {
  const restless = (value: number, ms: number) => ({
    value,
    ms: [0.8, 0.9, 0.95, 1, 1, 1, 1.05, 1.1, 1.2].map((x) => x * ms),
  });
  assertEquals(pickVariant([restless(1, 94), restless(8, 100)], 8), 8);
  assertEquals(pickVariant([restless(1, 80), restless(8, 100)], 8), 1);
});

Deno.test("pickVariant() does not mind outliers", () => {
  const hiccup = { value: 8, ms: [100, 100, 100, 100, 10, 100, 100, 900, 100] };
  assertEquals(pickVariant([hiccup, steady(1, 99)], 8), 8);
  assertEquals(pickVariant([hiccup, steady(1, 95)], 8), 1);
});

Deno.test("pickVariant() takes a single measurement as it is", () => {
  const once = [{ value: 1, ms: [9] }, { value: 8, ms: [10] }];
  assertEquals(pickVariant(once, 8), 1);
  assertEquals(pickVariant(once.slice(1), 8), 8);
});

Deno.test("median() and noise() of few and many", () => {
  assertEquals([median([3]), noise([3])], [3, 0]);
  assertEquals(median([5, 1, 3]), 3);
  assertEquals(median([1, 2, 3, 4]), 3);
  assertEquals(noise([1, 2, 3, 4, 5, 6, 7, 8]), (7 - 3) / Math.sqrt(8) / 5);
});
