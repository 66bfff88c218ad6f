import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { type Random, withRandom } from "../../tests/_random.ts";
import { allotSlots } from "./allot_slots.ts";

/** The most that any way of dealing out slots is worth. */
function best(
  values: readonly (readonly number[])[],
  extra: number,
): number {
  const [first, ...rest] = values;
  if (first === undefined) return 0;
  return Math.max(
    ...first.slice(0, extra + 1)
      .map((value, take) => value + best(rest, extra - take)),
  );
}

/** Rising curves, neither concave nor convex. */
function someValues(random: Random): number[][] {
  const length = 2 + random.integer(4);
  return Array.from({ length: 1 + random.integer(4) }, () => {
    let value = 0;
    return Array.from({ length }, () => value += random.integer(10));
  });
}

Deno.test("allotSlots() is as good as trying all ways", async () => {
  for (let seed = 1; seed <= 200; seed++) {
    await withRandom(seed, (random) => {
      const values = someValues(random);
      const least = 1 + random.integer(3);
      const most = values.length * (least + values[0]!.length - 1);
      const needed = values.length * least;
      const slotCount = needed + random.integer(most - needed + 1);
      const slots = allotSlots(values, { slotCount, least });
      const sum = slots.reduce((sum, count) => sum + count, 0);
      assertEquals(sum, slotCount);
      const worth = slots
        .map((count, layer) => values[layer]![count - least]!)
        .reduce((sum, value) => sum + value, 0);
      assertAlmostEquals(worth, best(values, slotCount - needed));
    });
  }
});

Deno.test("allotSlots() sees past a step that brings nothing", () => {
  const values = [[0, 0, 9], [0, 4, 5]];
  assertEquals(allotSlots(values, { slotCount: 4, least: 1 }), [3, 1]);
});

Deno.test("allotSlots() deals out no more than layers can use", () => {
  assertEquals(allotSlots([[0, 1], [0, 1]], { slotCount: 9, least: 2 }), [
    3,
    3,
  ]);
});

Deno.test("allotSlots() refuses fewer slots than layers need", () => {
  assertThrows(
    () => allotSlots([[0], [0], [0]], { slotCount: 5, least: 2 }),
    RangeError,
    "Cannot deal out 5 slots: each of 3 layers needs 2, wanted at least 6",
  );
});
