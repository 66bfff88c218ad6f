import { assertEquals } from "@std/assert";
import { compareLogits, isSameBits } from "./verify_row.ts";

Deno.test("compareLogits() finds the largest difference, and whether the best id is the same", () => {
  assertEquals(compareLogits([-1, 3, -0.5], [-1, 1, -1, 1]), {
    absolute: NaN, // there is nothing at the end
    relative: NaN,
    id: 3,
    isSameBest: true,
    bestGap: 0,
  });
  assertEquals(compareLogits([-1, 3, -0.5, 1], [-1, 1, -1, 1]), {
    absolute: 2,
    relative: 2, // the standard deviation is 1
    id: 1,
    isSameBest: true,
    bestGap: 0,
  });
  const { isSameBest, bestGap } = compareLogits([1, 2, 4], [1, 3, 2.5]);
  assertEquals([isSameBest, bestGap], [false, 0.5]);
});

Deno.test("compareLogits() takes what is no number for the largest difference", () => {
  for (const bad of [[NaN, 9, 0], [0, NaN, 9]]) {
    const { absolute, id } = compareLogits(bad, [0, 0, 0]);
    assertEquals([absolute, id], [NaN, bad.findIndex(Number.isNaN)]);
  }
});

Deno.test("isSameBits() tells 0 from -0, and looks at nothing around", () => {
  const all = Float32Array.of(1, 0, 2, 1, -0, 2, 1, 0, 2);
  const row = (i: number) => all.subarray(3 * i, 3 * i + 3);
  assertEquals(isSameBits(row(0), row(2)), true);
  assertEquals(isSameBits(row(0), row(1)), false);
  assertEquals(isSameBits(row(0), all), false);
});
