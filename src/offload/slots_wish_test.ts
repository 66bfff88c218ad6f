import { assertEquals, assertThrows } from "@std/assert";
import { parseSlots, resolveSlots, type SlotsOptions } from "./slots_wish.ts";

const COUNTS = { layerCount: 4, expertCount: 8, topK: 2 };

Deno.test("parseSlots() reads a number, a list or auto", () => {
  assertEquals(parseSlots("5"), 5);
  assertEquals(parseSlots("6,6, 5,5"), [6, 6, 5, 5]);
  assertEquals(parseSlots(" auto "), "auto");
  for (const text of ["", "five", "5,", "-1", "5.5", "5;5", "AUTO"]) {
    assertThrows(
      () => parseSlots(text),
      SyntaxError,
      `Cannot read slots: received "${text}", wanted auto, a number such as 5, or one for each layer such as 6,6,5,5`,
    );
  }
});

Deno.test("resolveSlots() takes one kind of wish or several that agree", () => {
  const cases: [SlotsOptions, number[] | undefined][] = [
    [{}, undefined],
    [{ slots: "auto", bufferSize: 4 }, undefined],
    [{ slots: 5 }, [5, 5, 5, 5]],
    [{ slots: [2, 3, 8, 4] }, [2, 3, 8, 4]],
    [{ offloadPerLayer: 3 }, [5, 5, 5, 5]],
    [{ offloadPerLayer: 0 }, [8, 8, 8, 8]],
    [{ mainSize: 16 }, [4, 4, 4, 4]],
    [{ offloadSize: 12 }, [5, 5, 5, 5]],
    [{ slots: [2, 3, 8, 4], mainSize: 17 }, [2, 3, 8, 4]],
    [
      { mainSize: 16, offloadSize: 16, bufferSize: 4, offloadPerLayer: 4 },
      [4, 4, 4, 4],
    ],
  ];
  for (const [options, slots] of cases) {
    assertEquals(resolveSlots(COUNTS, options), slots);
  }
});

Deno.test("resolveSlots() refuses what contradicts the model or itself", () => {
  const cases: [SlotsOptions, string][] = [
    [
      { slots: 1 },
      "Cannot plan: layer 0 gets 1 slot, wanted 2 (top-k) to 8 (its experts)",
    ],
    [
      { slots: [4, 4, 9, 4] },
      "Cannot plan: layer 2 gets 9 slots, wanted 2 (top-k) to 8 (its experts)",
    ],
    [
      { slots: 2.5 },
      "Cannot plan: layer 0 gets 2.5 slots, wanted 2 (top-k) to 8 (its experts)",
    ],
    [
      { slots: [4, 4, 4] },
      "Cannot plan: slots are listed for 3 layers, wanted one number for each of 4 layers",
    ],
    [
      { offloadPerLayer: 7 },
      "Cannot plan: layer 0 gets 1 slot, wanted 2 (top-k) to 8 (its experts)",
    ],
    [
      { offloadPerLayer: -1 },
      "Cannot plan: offloadPerLayer is -1, wanted a count",
    ],
    [
      { slots: 4, offloadPerLayer: 3 },
      "Cannot plan: layer 0 gets 4 slots, wanted 5, since offloadPerLayer is 3 of 8 experts",
    ],
    [
      { mainSize: 18 },
      "Cannot plan: mainSize is 18, wanted a multiple of the 4 layers, or slots for each layer",
    ],
    [
      { mainSize: 18, offloadPerLayer: 4 },
      "Cannot plan: mainSize is 18, wanted 16, the number of slots of all layers",
    ],
    [
      { mainSize: 16, offloadSize: 12 },
      "Cannot plan: offloadSize is 12, wanted 16, the number of experts without a slot",
    ],
    [
      { offloadSize: NaN },
      "Cannot plan: offloadSize is NaN, wanted a count",
    ],
    [
      { slots: "auto", mainSize: 4 },
      "Cannot plan: layer 0 gets 1 slot, wanted 2 (top-k) to 8 (its experts)",
    ],
  ];
  for (const [options, message] of cases) {
    assertThrows(() => resolveSlots(COUNTS, options), RangeError, message);
  }
});
