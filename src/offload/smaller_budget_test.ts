import { assertEquals } from "@std/assert";
import { describeRefusal, smallerBudget } from "./smaller_budget.ts";

const PLAN = { vramByteLength: 1000, slotCount: 20 };

Deno.test("smallerBudget() tries a tenth less than what was too much", () => {
  assertEquals(smallerBudget(PLAN, {}, 800), 720);
  assertEquals(smallerBudget(PLAN, { slots: "auto" }, 800), 720);
});

Deno.test("smallerBudget() gets smaller each time, whatever the GPU says", () => {
  let { vramByteLength } = PLAN;
  let count = 0;
  while (true) {
    const budget = smallerBudget({ vramByteLength }, {}, 1e9);
    if (budget === null) break;
    vramByteLength = budget;
    count++;
  }
  assertEquals(count, 49);
});

Deno.test("smallerBudget() takes no slots away that were asked for", () => {
  for (
    const wishes of [
      { slots: 3 },
      { slots: [1, 2] },
      { mainSize: 8 },
      { offloadSize: 8 },
      { offloadPerLayer: 2 },
    ]
  ) {
    assertEquals(smallerBudget(PLAN, wishes, 800), null);
  }
  assertEquals(smallerBudget(PLAN, {}, 0), null);
});

Deno.test("describeRefusal() says what is done instead", () => {
  const store = (kind: "pinned" | "disk") => ({
    kind,
    expertCount: 4,
    ramExpertCount: 4,
    ramByteLength: 1,
  });
  assertEquals(
    describeRefusal(PLAN, {
      slotCount: 12,
      stores: [store("pinned"), store("disk")],
    }),
    "The GPU refused the memory for 20 experts: 12 are on it now; other experts come from pinned memory and disk",
  );
});
