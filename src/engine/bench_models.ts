/** One model after another on the same GPU, loaded in different ways. */

import type { Gpu } from "../gpu/device.ts";
import { Profiler } from "../gpu/profiler.ts";
import type { SyntheticWeightsOptions } from "../model/synthetic_weights.ts";
import type { HostStore } from "../offload/host_store.ts";
import type { Plan } from "../offload/placement.ts";
import { measureLinkRate, measureVramRate } from "./device_rates.ts";
import { type LoadedModel, loadModel } from "./load_model.ts";
import { checkLoadOptions, type LoadOptions } from "./load_options.ts";
import type { ModelSource, ReaderOptions } from "./model_source.ts";
import { openGpu, type TuningReport } from "./open_gpu.ts";
import { type WeightFacts, weightFacts } from "./weight_facts.ts";

/** A model of a benchmark; disposing of it frees its memory on the GPU. */
export interface BenchModel extends LoadedModel, WeightFacts, Disposable {
  /** 10^9 bytes of experts a second; `null` if all are on the GPU. */
  readonly linkGigabytesPerSecond: number | null;
  /** Times its kernels; `null` if nobody wants to know. */
  readonly profiler: Profiler | null;
}

/** A host store, what it was made for, and how fast experts come from it. */
interface Kept {
  readonly key: string;
  readonly store: HostStore;
  readonly linkGigabytesPerSecond: number;
}

/**
 * Loads a model again and again. The host store, which takes the longest to
 * make, serves as long as the next model wants the same experts in it.
 */
export class BenchModels implements Disposable {
  readonly #source: ModelSource;
  readonly #gpu: Gpu;
  readonly #profiler: Profiler | null;
  #kept: Kept | null = null;
  /** 10^9 bytes of VRAM a second. */
  readonly vramGigabytesPerSecond: number;
  /** How kernels share their work. */
  readonly tuning: TuningReport;

  private constructor(
    source: ModelSource,
    gpu: Gpu,
    { vramRate, tuning, profiler }: {
      vramRate: number;
      tuning: TuningReport;
      profiler: Profiler | null;
    },
  ) {
    this.#source = source;
    this.#gpu = gpu;
    this.#profiler = profiler;
    this.vramGigabytesPerSecond = vramRate;
    this.tuning = tuning;
  }

  /** What people call the GPU. */
  get adapter(): string {
    return this.#gpu.name;
  }

  /**
   * Opens the GPU, and measures its memory while it is empty.
   *
   * @param source Where models are loaded from.
   * @param options How kernels are to share their work, and whether to time them.
   * @returns Loads them; disposing of it closes the GPU, but not the source.
   * @throws {Error} If there is no GPU, or it cannot time what it is to time.
   */
  static async open(
    source: ModelSource,
    options: Pick<LoadOptions, "tuning" | "profile"> = {},
  ): Promise<BenchModels> {
    using cleanup = new DisposableStack();
    const { gpu, report } = await openGpu(options.tuning);
    cleanup.use(gpu);
    const profiler = options.profile
      ? cleanup.use(await Profiler.create(gpu))
      : null;
    const vramRate = await measureVramRate(gpu);
    cleanup.move();
    return new BenchModels(source, gpu, { vramRate, tuning: report, profiler });
  }

  /**
   * Loads a model; the one before it has been disposed of.
   *
   * @param options How to load it.
   * @returns The model.
   * @throws {Error} If it does not fit, or its weights cannot be read.
   */
  async load(
    options: ReaderOptions,
  ): Promise<BenchModel> {
    checkLoadOptions(options);
    const { config } = this.#source;
    const reader = this.#source.reader(options);
    await this.#settle();
    using cleanup = new DisposableStack();
    cleanup.use(this.#gpu.scope());
    const loaded = await loadModel(this.#gpu, {
      config,
      reader,
      options,
      profiler: this.#profiler ?? undefined,
      storeOf: (plan, make) => this.#borrow(plan, options, make),
    });
    cleanup.use(loaded.model);
    const owned = cleanup.move();
    return {
      ...loaded,
      ...weightFacts(config, reader),
      profiler: this.#profiler,
      linkGigabytesPerSecond: loaded.offload === null
        ? null
        : this.#kept!.linkGigabytesPerSecond,
      [Symbol.dispose]: () => owned.dispose(),
    };
  }

  /** Frees the host store and closes the GPU. */
  [Symbol.dispose](): void {
    this.#kept?.store[Symbol.dispose]();
    this.#profiler?.[Symbol.dispose]();
    this.#gpu[Symbol.dispose]();
  }

  /** Waits for the GPU: only then is what was destroyed free again. */
  async #settle(): Promise<void> {
    using _ = await this.#gpu.readback(16);
  }

  /** The store that is there, or a new one, which the model must not free. */
  async #borrow(
    plan: Plan,
    options: LoadOptions & SyntheticWeightsOptions,
    make: () => Promise<HostStore>,
  ): Promise<HostStore> {
    const key = storeKey(plan, options);
    if (this.#kept?.key !== key) {
      this.#kept?.store[Symbol.dispose]();
      this.#kept = null;
      const store = await make();
      const linkGigabytesPerSecond = await measureLinkRate(
        this.#gpu,
        store,
        plan.expertByteLength,
      );
      this.#kept = { key, store, linkGigabytesPerSecond };
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
  options: LoadOptions & SyntheticWeightsOptions,
): string {
  const { expertBits, expertGroupSize, expertScaleGroupSize, seed } = options;
  return JSON.stringify([
    ...[stores, residentLayers, expertByteLength, seed],
    ...[expertBits, expertGroupSize, expertScaleGroupSize],
  ]);
}
