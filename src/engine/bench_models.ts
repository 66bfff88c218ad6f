/** One model after another on the same GPU, and how fast its memory is. */

import { Profiler } from "../gpu/profiler.ts";
import { measureLinkRate, measureVramRate } from "./device_rates.ts";
import type { LoadedModel } from "./load_model.ts";
import type { LoadOptions } from "./load_options.ts";
import { ModelSeries, type SeriesLoadOptions } from "./model_series.ts";
import type { ModelSource } from "./model_source.ts";
import type { TuningReport } from "./open_gpu.ts";
import { type WeightFacts, weightFacts } from "./weight_facts.ts";

/** A model of a benchmark; disposing of it frees its memory on the GPU. */
export interface BenchModel extends LoadedModel, WeightFacts, Disposable {
  /** 10^9 bytes of experts a second; `null` if all are on the GPU. */
  readonly linkGigabytesPerSecond: number | null;
  /** Times its kernels; `null` if nobody wants to know. */
  readonly profiler: Profiler | null;
}

/**
 * Loads a model again and again, and measures what a benchmark compares it with.
 */
export class BenchModels implements Disposable {
  readonly #source: ModelSource;
  readonly #series: ModelSeries;
  readonly #profiler: Profiler | null;
  /** How fast experts come from the host store that is in use. */
  #linkGigabytesPerSecond: number | null = null;
  /** 10^9 bytes of VRAM a second. */
  readonly vramGigabytesPerSecond: number;

  private constructor(
    source: ModelSource,
    series: ModelSeries,
    { vramRate, profiler }: { vramRate: number; profiler: Profiler | null },
  ) {
    this.#source = source;
    this.#series = series;
    this.#profiler = profiler;
    this.vramGigabytesPerSecond = vramRate;
  }

  /** What people call the GPU. */
  get adapter(): string {
    return this.#series.gpu.name;
  }

  /** Whether the GPU is a CPU. */
  get isSoftware(): boolean {
    return this.#series.gpu.isSoftware;
  }

  /** How kernels share their work. */
  get tuning(): TuningReport {
    return this.#series.tuning;
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
    const series = cleanup.use(await ModelSeries.open(source, options));
    const profiler = options.profile
      ? cleanup.use(await Profiler.create(series.gpu))
      : null;
    const vramRate = await measureVramRate(series.gpu);
    cleanup.move();
    return new BenchModels(source, series, { vramRate, profiler });
  }

  /**
   * Loads a model; the one before it has been disposed of.
   *
   * @param options How to load it.
   * @returns The model.
   * @throws {Error} If it does not fit, or its weights cannot be read.
   */
  async load(options: SeriesLoadOptions): Promise<BenchModel> {
    const loaded = await this.#series.load(options, {
      profiler: this.#profiler ?? undefined,
      onStore: async (store, expertByteLength) => {
        this.#linkGigabytesPerSecond = await measureLinkRate(
          this.#series.gpu,
          store,
          expertByteLength,
        );
      },
    });
    return {
      ...loaded,
      ...weightFacts(this.#source.config, loaded.reader),
      profiler: this.#profiler,
      linkGigabytesPerSecond: loaded.offload && this.#linkGigabytesPerSecond,
    };
  }

  /** Frees the host store and closes the GPU. */
  [Symbol.dispose](): void {
    this.#profiler?.[Symbol.dispose]();
    this.#series[Symbol.dispose]();
  }
}
