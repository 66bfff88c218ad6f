/** Where experts lie that are computed from. */

import type { Gpu } from "../gpu/device.ts";
import { bankSlotByteLength, type SlotRun, splitSlots } from "./slot_banks.ts";

/** A part of a buffer that holds an expert, as it is bound. */
export interface SlotPlace {
  /** The buffer. */
  readonly buffer: GPUBuffer;
  /** Where it begins in the buffer, in bytes. */
  readonly offset: number;
  /** Bytes of an expert. */
  readonly size: number;
}

/** Some slots of a layer in one buffer, one after the other. */
export interface Bank extends SlotRun {
  /** The buffer; slots lie `bankSlotByteLength()` apart. */
  readonly buffer: GPUBuffer;
}

/** Options for {@linkcode SlotBuffers}. */
export interface SlotBuffersOptions {
  /** Slots of each offloaded layer. */
  readonly slots: readonly number[];
  /** Staging slots. */
  readonly stagingSlotCount: number;
  /** Bytes of an expert. */
  readonly expertByteLength: number;
  /**
   * Whether the slots of a layer lie in one buffer, or in as few as there can be.
   *
   * @default {false}
   */
  readonly banks?: boolean;
  /**
   * The most bytes of a bank.
   *
   * @default {number} what the GPU binds
   */
  readonly bankByteLimit?: number | undefined;
}

/**
 * The slots of each offloaded layer, and the staging slots.
 *
 * Without banks each is a buffer of its own, since WebGPU orders accesses by
 * whole buffers: a slot can fill while another is read. An expert that was staged
 * moves into the cache by a swap of buffers, not by a copy.
 *
 * With banks a kernel can find its slot by itself, and a staged expert is copied.
 */
export class SlotBuffers {
  /** All places: the slots, layer by layer, then the staging ones. */
  readonly places: readonly SlotPlace[];
  /** The banks of each layer; no layers without banks. */
  readonly banks: readonly (readonly Bank[])[];
  /** The place's number for each slot, by layer: (layers, slots). */
  readonly #ofSlot: number[][];
  /** The place's number for each staging slot. */
  readonly #ofStaging: number[];

  /**
   * Makes the buffers.
   *
   * @param gpu The GPU.
   * @param options Slots and staging slots, and whether there are banks.
   * @throws {RangeError} If the GPU cannot bind a buffer of one slot.
   */
  constructor(gpu: Gpu, options: SlotBuffersOptions) {
    const { slots, stagingSlotCount, expertByteLength: size } = options;
    const places: SlotPlace[] = [];
    const add = (buffer: GPUBuffer, offset = 0) =>
      places.push({ buffer, offset, size }) - 1;
    const own = (label: string) => add(gpu.storageBuffer(label, size));
    const step = bankSlotByteLength(size);
    this.banks = options.banks ? makeBanks(gpu, options) : [];
    this.#ofSlot = options.banks
      ? this.banks.map((banks) =>
        banks.flatMap(({ buffer, slotCount }) =>
          Array.from({ length: slotCount }, (_, i) => add(buffer, i * step))
        )
      )
      : slots.map((count, layer) =>
        Array.from({ length: count }, (_, i) => own(`slot ${layer}.${i}`))
      );
    this.#ofStaging = Array.from(
      { length: stagingSlotCount },
      (_, i) => own(`staging slot ${i}`),
    );
    this.places = places;
  }

  /** How many staging slots there are. */
  get stagingSlotCount(): number {
    return this.#ofStaging.length;
  }

  /** Whether the slots of a layer share buffers. */
  get hasBanks(): boolean {
    return this.banks.length > 0;
  }

  /**
   * Names the place of a slot.
   *
   * @param layer The layer, among those that are offloaded.
   * @param slot The slot.
   * @returns The place's number.
   */
  ofSlot(layer: number, slot: number): number {
    return this.#ofSlot[layer]![slot]!;
  }

  /**
   * Names the place of a staging slot.
   *
   * @param staging The staging slot.
   * @returns The place's number.
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
   * @throws {TypeError} If the slot lies in a bank.
   */
  swap(staging: number, layer: number, slot: number): void {
    if (this.hasBanks) {
      throw new TypeError(
        `Cannot swap slot ${slot} of layer ${layer}: it lies in a bank, wanted a buffer of its own`,
      );
    }
    const slots = this.#ofSlot[layer]!;
    [slots[slot], this.#ofStaging[staging]] = [
      this.#ofStaging[staging]!,
      slots[slot]!,
    ];
  }
}

/** The banks of each layer. */
function makeBanks(gpu: Gpu, options: SlotBuffersOptions): Bank[][] {
  const slotByteLength = bankSlotByteLength(options.expertByteLength);
  const byteLimit = options.bankByteLimit ?? gpu.bindByteLimit;
  return options.slots.map((count, layer) =>
    splitSlots(count, { slotByteLength, byteLimit }).map((run) => ({
      ...run,
      buffer: gpu.storageBuffer(
        `slots of layer ${layer}`,
        run.slotCount * slotByteLength,
      ),
    }))
  );
}
