/** The buffers that experts are computed from. */

import type { Gpu } from "../gpu/device.ts";

/**
 * One buffer for each slot of each offloaded layer, and for each staging slot.
 *
 * Each is a buffer of its own, since WebGPU orders accesses by whole buffers: a
 * slot can fill while another is read. An expert that was staged moves into the
 * cache by a swap of buffers, not by a copy.
 */
export class SlotBuffers {
  /** All buffers: those of the slots, layer by layer, then the staging ones. */
  readonly buffers: readonly GPUBuffer[];
  /** The buffer's number for each slot, by layer: (layers, slots). */
  readonly #ofSlot: number[][];
  /** The buffer's number for each staging slot. */
  readonly #ofStaging: number[];

  /**
   * Makes the buffers.
   *
   * @param gpu The GPU.
   * @param options Slots of each layer, staging slots, bytes of an expert.
   */
  constructor(gpu: Gpu, { slots, stagingSlotCount, expertByteLength }: {
    slots: readonly number[];
    stagingSlotCount: number;
    expertByteLength: number;
  }) {
    const buffers: GPUBuffer[] = [];
    const make = (label: string) =>
      buffers.push(gpu.storageBuffer(label, expertByteLength)) - 1;
    this.#ofSlot = slots.map((count, layer) =>
      Array.from({ length: count }, (_, i) => make(`slot ${layer}.${i}`))
    );
    this.#ofStaging = Array.from(
      { length: stagingSlotCount },
      (_, i) => make(`staging slot ${i}`),
    );
    this.buffers = buffers;
  }

  /** How many staging slots there are. */
  get stagingSlotCount(): number {
    return this.#ofStaging.length;
  }

  /**
   * Names the buffer of a slot.
   *
   * @param layer The layer, among those that are offloaded.
   * @param slot The slot.
   * @returns The buffer's number.
   */
  ofSlot(layer: number, slot: number): number {
    return this.#ofSlot[layer]![slot]!;
  }

  /**
   * Names the buffer of a staging slot.
   *
   * @param staging The staging slot.
   * @returns The buffer's number.
   */
  ofStaging(staging: number): number {
    return this.#ofStaging[staging]!;
  }

  /**
   * Makes a staging slot's buffer that of a slot, and the other way round.
   *
   * @param staging The staging slot.
   * @param layer The layer of the slot.
   * @param slot The slot.
   */
  swap(staging: number, layer: number, slot: number): void {
    const slots = this.#ofSlot[layer]!;
    [slots[slot], this.#ofStaging[staging]] = [
      this.#ofStaging[staging]!,
      slots[slot]!,
    ];
  }
}
