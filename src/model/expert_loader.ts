/** Brings experts from the host store to where they are computed from. */

import type { Gpu } from "../gpu/device.ts";
import type { Recorder } from "../gpu/recorder.ts";
import type { ExpertId, HostStore } from "../offload/host_store.ts";
import type { SlotBuffers } from "../offload/slot_buffers.ts";
import { ExpertCopier } from "../ops/copy.ts";

/** Options for {@linkcode ExpertLoader.create}. */
export interface ExpertLoaderOptions {
  /** Where experts come from. */
  readonly store: HostStore;
  /** Where they go. */
  readonly slots: SlotBuffers;
  /** Bytes of an expert. */
  readonly expertByteLength: number;
  /** Bytes of a piece that fits beside an op. */
  readonly pieceByteLength: number;
}

/** What profiles call copies: over the link, and from a staging slot to a slot. */
const BROUGHT = { role: "expert, over the link", isLink: true };
const KEPT = { role: "expert, to its slot", isLink: false };

/** Loads experts: by copy kernels from pinned memory, else by `writeBuffer`. */
export class ExpertLoader {
  readonly #gpu: Gpu;
  readonly #store: HostStore;
  readonly #slots: SlotBuffers;
  readonly #copier: ExpertCopier | null;
  /** By source buffer, by place. */
  readonly #bound: readonly (readonly GPUBindGroup[])[];
  /** By staging slot's place, by place of a bank; `null` without banks. */
  readonly #kept: ReadonlyMap<number, readonly GPUBindGroup[]> | null;
  /** Pieces of an expert; 1 where experts do not come in pieces. */
  readonly pieceCount: number;

  private constructor(
    gpu: Gpu,
    { store, slots }: ExpertLoaderOptions,
    copier: ExpertCopier | null,
  ) {
    this.#gpu = gpu;
    this.#store = store;
    this.#slots = slots;
    this.#copier = copier;
    this.pieceCount = store.buffers.length === 0 ? 1 : copier!.pieceCount;
    this.#bound = store.buffers.map((source) =>
      slots.places.map((place) => copier!.bind(source, place))
    );
    this.#kept = slots.hasBanks ? bindStaging(copier!, slots) : null;
  }

  /**
   * Makes a loader and all that its copies need.
   *
   * @param gpu The GPU.
   * @param options Where experts come from and go to.
   * @returns The loader.
   */
  static async create(
    gpu: Gpu,
    options: ExpertLoaderOptions,
  ): Promise<ExpertLoader> {
    const { store: { buffers }, slots } = options;
    const { expertByteLength, pieceByteLength } = options;
    if (buffers.length === 0 && !slots.hasBanks) {
      return new ExpertLoader(gpu, options, null);
    }
    const sizes = buffers.map(({ size }) => size);
    const largest = Math.max(expertByteLength, ...sizes); // a staging slot's
    const copier = await ExpertCopier.create(gpu, {
      expertByteLength,
      pieceByteLength,
      expertLimit: Math.floor(largest / expertByteLength),
    });
    return new ExpertLoader(gpu, options, copier);
  }

  /**
   * Tells whether the GPU copies an expert by itself.
   *
   * @param id The expert.
   * @returns Whether {@linkcode ExpertLoader.copy} serves it.
   */
  isPinned(id: ExpertId): boolean {
    return this.#store.placeOf(id) !== null;
  }

  /**
   * Records the copy of a pinned expert, or of what is left of it.
   *
   * @param recorder The commands of the step.
   * @param id The expert.
   * @param options The number of the place to fill, the first piece to copy,
   * and whether to copy all that follow.
   */
  copy(
    recorder: Pick<Recorder, "record">,
    id: ExpertId,
    { to, piece, toEnd }: { to: number; piece: number; toEnd: boolean },
  ): void {
    const place = this.#store.placeOf(id)!;
    const bound = this.#bound[place.buffer]![to]!;
    const what = { expert: place.index, piece, toEnd };
    recorder.record(this.#copier!.op(bound, what, BROUGHT), 1);
  }

  /**
   * Moves an expert through ordinary memory, or waits until it is pinned and
   * records its copy. Submits first what was recorded: the GPU computes while the
   * CPU copies.
   *
   * @param recorder The commands of the step.
   * @param id The expert.
   * @param to The number of the place to fill.
   * @throws {Error} If the store cannot read the expert.
   */
  async upload(recorder: Recorder, id: ExpertId, to: number): Promise<void> {
    recorder.submit();
    const bytes = await this.#store.read(id);
    if (bytes === null) {
      this.copy(recorder, id, { to, piece: 0, toEnd: true });
    } else {
      const { buffer, offset } = this.#slots.places[to]!;
      this.#gpu.upload(buffer, bytes, offset);
    }
  }

  /**
   * Records the copy of a staged expert to its slot in a bank.
   *
   * @param recorder The commands of the step.
   * @param places The number of the staging slot's place, and of the slot's.
   */
  keep(
    recorder: Recorder,
    { from, to }: { from: number; to: number },
  ): void {
    const bound = this.#kept!.get(from)![to]!;
    const what = { expert: 0, piece: 0, toEnd: true };
    recorder.record(this.#copier!.op(bound, what, KEPT), 1);
  }

  /** Frees the store. */
  [Symbol.dispose](): void {
    this.#store[Symbol.dispose]();
  }
}

/** Binds each staging slot with each slot of a bank. */
function bindStaging(
  copier: ExpertCopier,
  slots: SlotBuffers,
): ReadonlyMap<number, readonly GPUBindGroup[]> {
  const { places, stagingSlotCount } = slots;
  // Slots come first, and are never swapped.
  const inBanks = places.slice(0, places.length - stagingSlotCount);
  return new Map(
    Array.from({ length: stagingSlotCount }, (_, i) => {
      const from = slots.ofStaging(i);
      return [from, inBanks.map((to) => copier.bind(places[from]!, to))];
    }),
  );
}
