import { assert, assertEquals } from "@std/assert";
import { bankSlotByteLength, splitSlots } from "./slot_banks.ts";

Deno.test("bankSlotByteLength() is where the next slot may be bound", () => {
  assertEquals([16, 256, 272, 18_432].map(bankSlotByteLength), [
    256,
    256,
    512,
    18_432,
  ]);
});

Deno.test("splitSlots() makes as few buffers as there can be, and as equal", () => {
  const slotByteLength = 512;
  const counts = (slotCount: number, byteLimit: number) =>
    splitSlots(slotCount, { slotByteLength, byteLimit })
      .map(({ slotCount }) => slotCount);
  assertEquals(counts(7, 2 ** 40), [7]);
  assertEquals(counts(7, 7 * 512), [7]);
  assertEquals(counts(7, 7 * 512 - 1), [3, 4]);
  assertEquals(counts(7, 3 * 512), [2, 2, 3]);
  assertEquals(counts(4, 3 * 512), [2, 2]);
  // The GPU is to say that not even one fits.
  assertEquals(counts(2, 100), [1, 1]);
  for (let slotCount = 1; slotCount < 40; slotCount++) {
    for (let most = 1; most < 40; most++) {
      const byteLimit = most * slotByteLength;
      const runs = splitSlots(slotCount, { slotByteLength, byteLimit });
      const sizes = runs.map((run) => run.slotCount);
      assertEquals(runs.length, Math.ceil(slotCount / most));
      assert(Math.max(...sizes) <= most);
      assert(Math.max(...sizes) - Math.min(...sizes) <= 1);
      const slots = runs.flatMap((run) =>
        Array.from({ length: run.slotCount }, (_, i) => run.firstSlot + i)
      );
      assertEquals(slots, Array.from({ length: slotCount }, (_, i) => i));
    }
  }
});
