/** What the cache says is on the GPU, and what is there. */

import { assert, assertEquals } from "@std/assert";
import type { Mixtral } from "../src/model/mixtral.ts";
import type { SlotPlace } from "../src/offload/slot_buffers.ts";
import type { OffloadLab, Way } from "./_offload_lab.ts";

/**
 * Fails unless every slot holds the bytes of the expert that the cache says is
 * in it, and no two slots share a place.
 *
 * @param lab The model's lab.
 * @param way How it offloads.
 * @param model The model, between two steps.
 * @returns How many slots hold an expert.
 */
export async function checkShadow(
  lab: OffloadLab,
  way: Way,
  model: Mixtral,
): Promise<number> {
  const { caches } = model;
  const { slots } = model.offload!;
  const { numLocalExperts } = lab.config;
  const layers = [...way.slots.keys()]
    .filter((layer) => way.slots[layer]! < numLocalExperts);
  assertEquals(caches.length, layers.length);
  const numbers = caches.flatMap(({ slotCount }, layer) =>
    Array.from({ length: slotCount }, (_, slot) => slots.ofSlot(layer, slot))
  );
  for (let i = 0; i < slots.stagingSlotCount; i++) {
    numbers.push(slots.ofStaging(i));
  }
  assertEquals(new Set(numbers).size, slots.places.length);

  const filled = caches.flatMap((cache, layer) =>
    cache.state().flatMap((expert, slot) =>
      expert === undefined ? [] : [{
        id: { layer: layers[layer]!, expert },
        place: slots.places[slots.ofSlot(layer, slot)]!,
      }]
    )
  );
  const bytes = await readAll(lab, filled.map(({ place }) => place));
  for (const [i, { id }] of filled.entries()) {
    const expected = await lab.readExpert(id);
    const isSame = expected.every((byte, j) => byte === bytes[i]![j]);
    assert(isSame, `the slot of ${JSON.stringify(id)} holds something else`);
  }
  return filled.length;
}

/** Reads places of one expert each. */
async function readAll(
  { gpu: { device }, expertByteLength }: OffloadLab,
  places: readonly SlotPlace[],
): Promise<Uint8Array[]> {
  if (places.length === 0) return [];
  const target = device.createBuffer({
    size: places.length * expertByteLength,
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  });
  const commands = device.createCommandEncoder();
  for (const [i, { buffer, offset, size }] of places.entries()) {
    assertEquals(size, expertByteLength);
    commands.copyBufferToBuffer(buffer, offset, target, i * size, size);
  }
  device.queue.submit([commands.finish()]);
  await target.mapAsync(GPUMapMode.READ);
  const bytes = new Uint8Array(target.getMappedRange().slice(0));
  target.destroy();
  return places.map((_, i) =>
    bytes.subarray(i * expertByteLength, (i + 1) * expertByteLength)
  );
}
