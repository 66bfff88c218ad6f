import { assertAlmostEquals, assertEquals } from "@std/assert";
import { meanDeviation } from "./mean_deviation.ts";

Deno.test("meanDeviation() divides by one less than the number of values", () => {
  const { mean, deviation } = meanDeviation([2, 4, 4, 4, 5, 5, 7, 9]);
  assertEquals(mean, 5);
  assertAlmostEquals(deviation!, Math.sqrt(32 / 7), 1e-12);
});

Deno.test("meanDeviation() of equal values has no deviation", () => {
  assertEquals(meanDeviation([3, 3, 3]).deviation, 0);
});

Deno.test("meanDeviation() of one value knows no deviation", () => {
  assertEquals(meanDeviation([7]), { mean: 7, deviation: null, values: [7] });
});
