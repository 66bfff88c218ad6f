/** Brings experts from the host store to the buffers they are computed from. */

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

/** Loads experts: by copy kernels from pinned memory, else by `writeBuffer`. */
export class ExpertLoader {
  readonly #gpu: Gpu;
  readonly #store: HostStore;
  readonly #slots: SlotBuffers;
  readonly #copier: ExpertCopier | null;
  /** By source buffer, by slot buffer. */
  readonly #bound: readonly (readonly GPUBindGroup[])[];
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
    this.pieceCount = copier?.pieceCount ?? 1;
    this.#bound = store.buffers.map((source) =>
      slots.buffers.map((slot) => copier!.bind(source, slot))
    );
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
    const { store: { buffers }, expertByteLength, pieceByteLength } = options;
    if (buffers.length === 0) return new ExpertLoader(gpu, options, null);
    const largest = Math.max(...buffers.map(({ size }) => size));
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
   * @param pass The compute pass.
   * @param id The expert.
   * @param options The number of the buffer to fill, the first piece to copy,
   * and whether to copy all that follow.
   */
  copy(
    pass: GPUComputePassEncoder,
    id: ExpertId,
    { to, piece, toEnd }: { to: number; piece: number; toEnd: boolean },
  ): void {
    const place = this.#store.placeOf(id)!;
    this.#copier!.encode(pass, this.#bound[place.buffer]![to]!, {
      expert: place.index,
      piece,
      toEnd,
    });
  }

  /**
   * Moves an expert through ordinary memory, or waits until it is pinned and
   * records its copy. Submits first what was recorded: the GPU computes while the
   * CPU copies.
   *
   * @param recorder The commands of the step.
   * @param id The expert.
   * @param to The number of the buffer to fill.
   * @throws {Error} If the store cannot read the expert.
   */
  async upload(recorder: Recorder, id: ExpertId, to: number): Promise<void> {
    recorder.submit();
    const bytes = await this.#store.read(id);
    if (bytes === null) {
      this.copy(recorder.pass, id, { to, piece: 0, toEnd: true });
    } else {
      this.#gpu.upload(this.#slots.buffers[to]!, bytes);
    }
  }

  /** Frees the store. */
  [Symbol.dispose](): void {
    this.#store[Symbol.dispose]();
  }
}
