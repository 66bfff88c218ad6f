import { assertEquals } from "@std/assert";
import { withRandom } from "../../tests/_random.ts";
import type { Gpu } from "../gpu/device.ts";
import { SlotBuffers } from "./slot_buffers.ts";

const OPTIONS = { slots: [3, 2], stagingSlotCount: 2, expertByteLength: 48 };

/** Makes "buffers" that tell what they were made for. */
function makeSlots() {
  const sizes: number[] = [];
  const gpu = {
    storageBuffer(label: string, byteLength: number) {
      sizes.push(byteLength);
      return { label };
    },
  } as unknown as Gpu;
  return { slots: new SlotBuffers(gpu, OPTIONS), sizes };
}

/** The label of the buffer of each slot, then of each staging slot. */
function labels(slots: SlotBuffers): string[] {
  const numbers = OPTIONS.slots.flatMap((count, layer) =>
    Array.from({ length: count }, (_, slot) => slots.ofSlot(layer, slot))
  );
  for (let i = 0; i < slots.stagingSlotCount; i++) {
    numbers.push(slots.ofStaging(i));
  }
  return numbers.map((number) => slots.buffers[number]!.label);
}

Deno.test("SlotBuffers makes a buffer for each slot and staging slot", () => {
  const { slots, sizes } = makeSlots();
  assertEquals(sizes, Array(7).fill(48));
  assertEquals(slots.stagingSlotCount, 2);
  assertEquals(labels(slots), [
    "slot 0.0",
    "slot 0.1",
    "slot 0.2",
    "slot 1.0",
    "slot 1.1",
    "staging slot 0",
    "staging slot 1",
  ]);
});

Deno.test("SlotBuffers swaps a slot's buffer for a staged one", () => {
  const { slots } = makeSlots();
  slots.swap(1, 0, 2);
  assertEquals(labels(slots)[2], "staging slot 1");
  assertEquals(labels(slots)[6], "slot 0.2");
  slots.swap(1, 0, 2);
  assertEquals(labels(slots)[2], "slot 0.2");
});

Deno.test("SlotBuffers loses no buffer over many swaps", async () => {
  await withRandom(1, (random) => {
    const { slots } = makeSlots();
    const all = labels(slots).sort();
    for (let i = 0; i < 1000; i++) {
      const layer = random.integer(2);
      slots.swap(
        random.integer(2),
        layer,
        random.integer(OPTIONS.slots[layer]!),
      );
      assertEquals(labels(slots).sort(), all);
    }
  });
});
