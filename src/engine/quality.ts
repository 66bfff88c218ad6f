/** What bits of the weights cost: one model, quantized in many ways. */

import type { Activations } from "../gpu/activations.ts";
import { QuantizePool } from "../model/quantize_pool.ts";
import { matricesOf } from "../model/matrices.ts";
import type { Plan } from "../offload/placement.ts";
import type { BenchMachine } from "./bench.ts";
import { type BenchModel, BenchModels } from "./bench_models.ts";
import type { BitsPair } from "./bits_pair.ts";
import { checkWindow } from "./check_window.ts";
import { ReferenceLogits } from "./divergence.ts";
import { checkLoadOptions, type LoadOptions } from "./load_options.ts";
import type { ModelSource, ReaderOptions } from "./model_source.ts";
import { finiteRows } from "./non_finite_error.ts";
import { foretell, type PerplexityProgress } from "./perplexity.ts";
import type { WindowResult } from "./perplexity_result.ts";
import { WINDOW_LENGTH, type WindowOptions } from "./perplexity_windows.ts";
import { type QualityRow, qualityRow } from "./quality_row.ts";
import { thisMachine } from "./this_machine.ts";
import { chooseWorkerCount } from "./worker_count.ts";

/** A way to load the model. */
export interface QualityCase extends BitsPair {
  /**
   * How exact inputs of strips are, which counts where tokens run one by one.
   *
   * @default {"float32"}
   */
  readonly activations?: Activations | undefined;
}

/** Options for {@linkcode quality}. */
export interface QualityOptions extends WindowOptions {
  /** The ways to load the model; the others are compared with the first. */
  readonly cases: readonly QualityCase[];
  /**
   * How to load it besides. Group sizes hold for parts that are quantized, and
   * the context is as long as a window.
   */
  readonly load?: LoadOptions;
  /** The bytes of a token's text, for bits per byte. */
  readonly byteLengthOf?: ((id: number) => number) | undefined;
  /**
   * How much memory the first case's predictions may take, with which those of
   * the others are compared; 0 for none.
   *
   * @default {2 ** 30}
   */
  readonly referenceByteLength?: number | undefined;
  /** Stops it; what is complete is kept. */
  readonly signal?: AbortSignal | undefined;
  /** Hears of the GPU, before the first model is loaded. */
  readonly onOpen?: ((machine: BenchMachine) => void) | undefined;
  /** Hears of a model that was loaded. */
  readonly onLoad?: ((loaded: QualityLoad) => void) | undefined;
  /** Hears how far it is, several times within a window. */
  readonly onProgress?: ((progress: PerplexityProgress) => void) | undefined;
  /** Hears of a case that cannot be, and why. */
  readonly onSkip?: ((skipped: SkippedCase) => void) | undefined;
}

/** A model that was loaded. */
export interface QualityLoad extends QualityCase {
  /** The number of the case, from 0. */
  readonly index: number;
  /** How many cases there are. */
  readonly count: number;
  /** How long it took. */
  readonly timeMs: number;
  /** What went where. */
  readonly plan: Plan;
}

/** A case that cannot be. */
export interface SkippedCase extends QualityCase {
  /** Why, in a sentence. */
  readonly reason: string;
}

const REFERENCE_BYTE_LENGTH = 2 ** 30;

/**
 * Loads a model in several ways, one after the other, and computes the perplexity
 * of a text each time: Table 1 of mixtral-offloading (arXiv 2312.17238), of any
 * model.
 *
 * @param source Where the model comes from.
 * @param ids The text, without special tokens.
 * @param options The ways, and how to cut the text into windows.
 * @returns Rows, as they are done. Cases that cannot be are left out.
 * @throws {RangeError} If no case can be, a window is longer than the model's
 * context, or the text does not fill one.
 * @throws {Error} If there is no GPU, or the weights cannot be read.
 */
export async function* quality(
  source: ModelSource,
  ids: readonly number[],
  options: QualityOptions,
): AsyncGenerator<QualityRow, void> {
  const { config } = source;
  const { cases, load = {}, signal } = options;
  const { windowLength = WINDOW_LENGTH } = options;
  checkLoadOptions(load);
  checkWindow(config, windowLength);
  using models = await BenchModels.open(source, load);
  const { adapter, tuning, vramGigabytesPerSecond } = models;
  const { activations = "float32" } = load;
  const machine = { adapter, tuning, vramGigabytesPerSecond, activations };
  options.onOpen?.(machine);
  const { referenceByteLength = REFERENCE_BYTE_LENGTH } = options;
  const reference = new ReferenceLogits(referenceByteLength);
  using pool = quantizePool(source, cases);
  const skipped: SkippedCase[] = [];
  let first: readonly WindowResult[] | null = null;
  for (const [index, wanted] of cases.entries()) {
    if (signal?.aborted) return;
    const start = performance.now();
    const loadOptions = {
      contextLength: windowLength,
      ...withoutGroups(load, wanted),
      ...wanted,
    };
    const loaded = await loadCase(
      models,
      { ...loadOptions, quantizer: pool ?? undefined },
      signal,
    );
    if (loaded === null) return;
    if (loaded instanceof RangeError) {
      skipped.push({ ...wanted, reason: loaded.message });
      options.onSkip?.(skipped.at(-1)!);
      continue;
    }
    using model = loaded;
    const loadMs = performance.now() - start;
    const { plan, attnBits, expertBits } = model;
    const { activations = "float32" } = loadOptions;
    const { length: count } = cases;
    const what = { attnBits, expertBits, activations };
    options.onLoad?.({ ...what, index, count, timeMs: loadMs, plan });
    const comparison = first === null ? null : reference.compare();
    const run = await runWindows(model, ids, {
      ...options,
      onLogits: (foretold) => (comparison ?? reference).add(foretold),
    });
    if (run === null) return;
    yield qualityRow({
      ...what,
      ...run,
      ...{ config, plan, loadMs, first },
      divergence: comparison?.result() ?? null,
    });
    first ??= run.windows;
  }
  if (first === null && skipped.length > 0) {
    throw new RangeError(skipped[0]!.reason);
  }
}

/** Workers that quantize; `null` if there is nothing to do side by side. */
function quantizePool(
  { config, isSynthetic }: ModelSource,
  cases: readonly QualityCase[],
): QuantizePool | null {
  const bitsOf = { attn: "attnBits", experts: "expertBits" } as const;
  const sizes = (["attn", "experts"] as const)
    .filter((part) => cases.some((of) => of[bitsOf[part]] !== 16))
    .flatMap((part) => [...matricesOf(config, part)])
    .map(({ shape: [N, K] }) => N * K);
  if (isSynthetic || sizes.length === 0) return null;
  const workerCount = chooseWorkerCount([sizes], thisMachine(), undefined);
  return workerCount > 1 ? new QuantizePool(workerCount) : null;
}

/** The model; or why it cannot be, or `null` if it was stopped. */
async function loadCase(
  models: BenchModels,
  options: ReaderOptions,
  signal: AbortSignal | undefined,
): Promise<BenchModel | RangeError | null> {
  try {
    return await models.load({
      ...options,
      onProgress(progress) {
        signal?.throwIfAborted(); // quantizing a large model takes long
        options.onProgress?.(progress);
      },
    });
  } catch (error) {
    if (signal?.aborted) return null;
    if (error instanceof RangeError) return error;
    throw error;
  }
}

/** Runs all windows; `null` if it was stopped before the last. */
async function runWindows(
  { model }: BenchModel,
  ids: readonly number[],
  options: Parameters<typeof foretell>[2],
): Promise<
  | Pick<Parameters<typeof qualityRow>[0], "windows" | "timeMs"> & {
    ranTokenCount: number;
  }
  | null
> {
  const start = performance.now();
  const windows: WindowResult[] = [];
  let ranTokenCount = 0;
  const source = {
    config: model.config,
    logitRows: (ids: readonly number[]) => {
      ranTokenCount += ids.length;
      return finiteRows(model, ids);
    },
  };
  for await (const window of foretell(source, ids, options)) {
    windows.push(window);
  }
  const isComplete = windows.length > 0 && windows.length === windows[0]!.count;
  if (!isComplete) return null;
  return { windows, ranTokenCount, timeMs: performance.now() - start };
}

/** A part that keeps its floats has no groups. */
function withoutGroups(
  load: LoadOptions,
  { attnBits, expertBits }: BitsPair,
): LoadOptions {
  return {
    ...load,
    ...attnBits === 16 && {
      attnGroupSize: undefined,
      attnScaleGroupSize: undefined,
    },
    ...expertBits === 16 && {
      expertGroupSize: undefined,
      expertScaleGroupSize: undefined,
    },
  };
}
