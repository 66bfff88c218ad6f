/** One model after another on the same GPU, loaded in different ways. */

import type { Gpu } from "../gpu/device.ts";
import type { Profiler } from "../gpu/profiler.ts";
import type { HostStore } from "../offload/host_store.ts";
import type { Plan } from "../offload/placement.ts";
import { planLoad } from "./forecast/planned.ts";
import { type LoadedModel, loadModel } from "./load_model.ts";
import { checkLoadOptions, type LoadOptions } from "./load_options.ts";
import type {
  ModelReader,
  ModelSource,
  ReaderOptions,
} from "./model_source.ts";
import { openGpu, type TuningReport } from "./open_gpu.ts";

/** How to load a model of a series. */
export type SeriesLoadOptions = ReaderOptions;

/** A model of a series; disposing of it frees its memory on the GPU. */
export interface SeriesModel extends LoadedModel, Disposable {
  /** What its weights were read with. */
  readonly reader: ModelReader;
}

/** What goes with a model that is no option of it. */
export interface SeriesHooks {
  /** Times its ops; whoever made it frees it. */
  readonly profiler?: Profiler | undefined;
  /** Hears of each new host store, when it is full. */
  readonly onStore?:
    | ((store: HostStore, expertByteLength: number) => Promise<void>)
    | undefined;
}

/**
 * Loads a model again and again. The host store, which takes the longest to
 * make, serves as long as the next model wants the same experts in it.
 */
export class ModelSeries implements Disposable {
  /** The GPU. */
  readonly gpu: Gpu;
  /** How kernels share their work. */
  readonly tuning: TuningReport;
  readonly #source: ModelSource;
  #kept: { readonly key: string; readonly store: HostStore } | null = null;

  private constructor(
    source: ModelSource,
    { gpu, tuning }: { gpu: Gpu; tuning: TuningReport },
  ) {
    this.#source = source;
    this.gpu = gpu;
    this.tuning = tuning;
  }

  /**
   * Opens the GPU.
   *
   * @param source Where models are loaded from.
   * @param options How kernels are to share their work.
   * @returns Loads them; disposing of it closes the GPU, but not the source.
   * @throws {Error} If there is no GPU.
   */
  static async open(
    source: ModelSource,
    options: Pick<LoadOptions, "tuning"> = {},
  ): Promise<ModelSeries> {
    const { gpu, report: tuning } = await openGpu(options.tuning);
    return new ModelSeries(source, { gpu, tuning });
  }

  /**
   * Plans what of a model goes where, without loading it.
   *
   * @param options How it is to be loaded.
   * @returns The plan.
   * @throws {RangeError} If it does not fit.
   */
  plan(options: SeriesLoadOptions): Plan {
    return planLoad(this.gpu, this.#source, options).plan;
  }

  /**
   * Loads a model; the one before it has been disposed of.
   *
   * @param options How to load it.
   * @param hooks What goes with it.
   * @returns The model.
   * @throws {Error} If it does not fit, or its weights cannot be read.
   */
  async load(
    options: SeriesLoadOptions,
    { profiler, onStore }: SeriesHooks = {},
  ): Promise<SeriesModel> {
    checkLoadOptions(options);
    const reader = this.#source.reader(options);
    await this.#settle();
    using cleanup = new DisposableStack();
    cleanup.use(this.gpu.memory.scope());
    const loaded = await loadModel(this.gpu, {
      config: this.#source.config,
      reader,
      options,
      profiler,
      storeOf: (plan, make) => this.#borrow(plan, options, { make, onStore }),
    });
    cleanup.use(loaded.model);
    const owned = cleanup.move();
    return { ...loaded, reader, [Symbol.dispose]: () => owned.dispose() };
  }

  /** Frees the host store and closes the GPU. */
  [Symbol.dispose](): void {
    this.#kept?.store[Symbol.dispose]();
    this.gpu[Symbol.dispose]();
  }

  /** Waits for the GPU: only then is what was destroyed free again. */
  async #settle(): Promise<void> {
    using _ = await this.gpu.readback(16);
  }

  /** The store that is there, or a new one, which the model must not free. */
  async #borrow(
    plan: Plan,
    options: SeriesLoadOptions,
    { make, onStore }: Pick<SeriesHooks, "onStore"> & {
      make: () => Promise<HostStore>;
    },
  ): Promise<HostStore> {
    const key = storeKey(plan, options);
    if (this.#kept?.key !== key) {
      this.#kept?.store[Symbol.dispose]();
      this.#kept = null;
      const store = await make();
      await onStore?.(store, plan.expertByteLength);
      this.#kept = { key, store };
    }
    const { store } = this.#kept;
    return {
      buffers: store.buffers,
      placeOf: (id) => store.placeOf(id),
      homeOf: (id) => store.homeOf(id),
      read: (id) => store.read(id),
      [Symbol.dispose]: () => {},
    };
  }
}

/** What a store's content depends on. */
function storeKey(
  { stores, residentLayers, expertByteLength }: Plan,
  options: SeriesLoadOptions,
): string {
  const { expertBits, expertGroupSize, expertScaleGroupSize, seed } = options;
  return JSON.stringify([
    ...[stores, residentLayers, expertByteLength, seed],
    ...[expertBits, expertGroupSize, expertScaleGroupSize],
  ]);
}
