import { assertEquals } from "@std/assert";
import {
  addRange,
  type ByteRange,
  cutRanges,
  missingRanges,
  rangesByteLength,
} from "./byte_ranges.ts";

Deno.test("addRange() keeps ranges sorted and apart", () => {
  const ranges: ByteRange[] = [[10, 20], [30, 40]];
  const cases: [ByteRange, ByteRange[]][] = [
    [[0, 5], [[0, 5], [10, 20], [30, 40]]],
    [[0, 10], [[0, 20], [30, 40]]],
    [[20, 30], [[10, 40]]],
    [[15, 35], [[10, 40]]],
    [[22, 28], [[10, 20], [22, 28], [30, 40]]],
    [[12, 18], [[10, 20], [30, 40]]],
    [[0, 50], [[0, 50]]],
    [[40, 41], [[10, 20], [30, 41]]],
    [[25, 25], [[10, 20], [30, 40]]],
  ];
  for (const [range, wanted] of cases) {
    assertEquals(addRange(ranges, range), wanted);
  }
});

Deno.test("missingRanges() and cutRanges() say what is to be fetched", () => {
  assertEquals(missingRanges([], 0), []);
  assertEquals(missingRanges([], 9), [[0, 9]]);
  assertEquals(missingRanges([[0, 9]], 9), []);
  const ranges: ByteRange[] = [[2, 4], [6, 9]];
  assertEquals(missingRanges(ranges, 20), [[0, 2], [4, 6], [9, 20]]);
  assertEquals(rangesByteLength(ranges), 5);
  assertEquals([...cutRanges([[0, 2], [9, 20]], 5)], [
    [0, 2],
    [9, 14],
    [14, 19],
    [19, 20],
  ]);
});
