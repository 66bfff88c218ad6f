import { assertEquals, assertThrows } from "@std/assert";
import { withRandom } from "../../tests/_random.ts";
import type { Gpu } from "../gpu/device.ts";
import { SlotBuffers, type SlotBuffersOptions } from "./slot_buffers.ts";

const OPTIONS = { slots: [3, 2], stagingSlotCount: 2, expertByteLength: 48 };

/** Makes "buffers" that tell what they were made for, on a GPU that binds 1 KiB. */
function makeSlots(options: Partial<SlotBuffersOptions> = {}) {
  const sizes: number[] = [];
  const gpu = {
    bindByteLimit: 1024,
    storageBuffer(label: string, byteLength: number) {
      sizes.push(byteLength);
      return { label };
    },
  } as unknown as Gpu;
  return { slots: new SlotBuffers(gpu, { ...OPTIONS, ...options }), sizes };
}

/** The numbers of all slots' places, then of the staging slots'. */
function numbersOf(slots: SlotBuffers, counts = OPTIONS.slots): number[] {
  const numbers = counts.flatMap((count, layer) =>
    Array.from({ length: count }, (_, slot) => slots.ofSlot(layer, slot))
  );
  for (let i = 0; i < slots.stagingSlotCount; i++) {
    numbers.push(slots.ofStaging(i));
  }
  return numbers;
}

/** The label of the buffer of each slot, then of each staging slot. */
function labels(slots: SlotBuffers): string[] {
  return numbersOf(slots).map((number) => slots.places[number]!.buffer.label);
}

Deno.test("SlotBuffers makes a buffer for each slot and staging slot", () => {
  const { slots, sizes } = makeSlots();
  assertEquals(sizes, Array(7).fill(48));
  assertEquals(slots.stagingSlotCount, 2);
  assertEquals([slots.hasBanks, slots.banks], [false, []]);
  for (const place of slots.places) {
    assertEquals([place.offset, place.size], [0, 48]);
  }
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

Deno.test("SlotBuffers puts the slots of a layer in one bank", () => {
  const { slots, sizes } = makeSlots({ banks: true });
  assertEquals(sizes, [3 * 256, 2 * 256, 48, 48]);
  assertEquals(slots.hasBanks, true);
  assertEquals(numbersOf(slots), [0, 1, 2, 3, 4, 5, 6]);
  assertEquals(
    slots.places.map(({ buffer, ...rest }) => [buffer.label, rest]),
    [
      ["slots of layer 0", { offset: 0, size: 48 }],
      ["slots of layer 0", { offset: 256, size: 48 }],
      ["slots of layer 0", { offset: 512, size: 48 }],
      ["slots of layer 1", { offset: 0, size: 48 }],
      ["slots of layer 1", { offset: 256, size: 48 }],
      ["staging slot 0", { offset: 0, size: 48 }],
      ["staging slot 1", { offset: 0, size: 48 }],
    ],
  );
});

Deno.test("SlotBuffers splits banks where limits ask for it", () => {
  const splits: [SlotBuffersOptions["bankByteLimit"], number[]][] = [
    [undefined, [3, 4]], // what the GPU binds
    [768, [2, 2, 3]],
    [256, [1, 1, 1, 1, 1, 1, 1]],
    [7 * 256, [7]],
  ];
  for (const [bankByteLimit, counts] of splits) {
    const options = { banks: true, slots: [7], bankByteLimit };
    const { slots, sizes } = makeSlots(options);
    const banks = slots.banks[0]!;
    assertEquals(banks.map(({ slotCount }) => slotCount), counts);
    assertEquals(sizes.slice(0, -2), counts.map((count) => count * 256));
    // A slot is where its bank says.
    for (const { buffer, firstSlot, slotCount } of banks) {
      for (let i = 0; i < slotCount; i++) {
        const place = slots.places[slots.ofSlot(0, firstSlot + i)]!;
        assertEquals(place.buffer === buffer, true);
        assertEquals(place.offset, i * 256);
      }
    }
    assertEquals(new Set(numbersOf(slots, [7])).size, slots.places.length);
  }
});

Deno.test("SlotBuffers swaps no slot of a bank", () => {
  const { slots } = makeSlots({ banks: true });
  assertThrows(
    () => slots.swap(0, 1, 0),
    TypeError,
    "Cannot swap slot 0 of layer 1: it lies in a bank, wanted a buffer of its own",
  );
});
