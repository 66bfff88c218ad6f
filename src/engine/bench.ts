/** How fast a model is, loaded in different ways. */

import type { Activations } from "../gpu/activations.ts";
import type { SyntheticWeightsOptions } from "../model/synthetic_weights.ts";
import type { Plan } from "../offload/placement.ts";
import {
  BENCH_DEFAULTS,
  type BenchCase,
  type BenchWish,
  planBench,
} from "./bench_cases.ts";
import { type BenchModel, BenchModels } from "./bench_models.ts";
import { benchPrompts } from "./bench_prompts.ts";
import { type BenchRow, benchRow } from "./bench_row.ts";
import { contextLengthOf } from "./context_length.ts";
import { warmUp } from "./fastest.ts";
import { inOrder, type Repetition, runOnce } from "./bench_run.ts";
import { checkLoadOptions, type LoadOptions } from "./load_options.ts";
import type { ModelSource } from "./model_source.ts";
import type { TuningReport } from "./open_gpu.ts";

/** Options for {@linkcode bench}. */
export interface BenchOptions extends BenchWish {
  /** How to load the model, in all cases; what is varied goes before it. */
  readonly load?: LoadOptions & SyntheticWeightsOptions;
  /**
   * How long prompts are: each is measured.
   *
   * @default {[16]}
   */
  readonly promptTokens?: readonly number[];
  /**
   * How many tokens to run after a prompt.
   *
   * @default {128}
   */
  readonly tokens?: number;
  /**
   * How often to measure.
   *
   * @default {3}
   */
  readonly repeat?: number;
  /** Stops at the next token when aborted; what is complete is kept. */
  readonly signal?: AbortSignal;
  /** Hears of the GPU, before the first model is loaded. */
  readonly onOpen?: (machine: BenchMachine) => void;
  /** Hears of each model that was loaded. */
  readonly onLoad?: (loaded: BenchLoad) => void;
}

/** What a benchmark runs on. */
export interface BenchMachine {
  /** What people call the GPU. */
  readonly adapter: string;
  /** 10^9 bytes of VRAM a second. */
  readonly vramGigabytesPerSecond: number;
  /** How kernels share their work. */
  readonly tuning: TuningReport;
  /** How exact the inputs of quantized matrices are while single tokens run. */
  readonly activations: Activations;
}

/** A model that was loaded for a benchmark. */
export interface BenchLoad {
  /** The number of the case, from 0. */
  readonly index: number;
  /** How many cases there are. */
  readonly count: number;
  /** Seconds that it took. */
  readonly seconds: number;
  /** What went where. */
  readonly plan: Plan;
}

/** Tokens after a prompt, run until the GPU is at full speed. */
const WARM_UP_TOKENS = 8;

/**
 * Measures a model: every combination of what is to be varied is loaded, one
 * after the other, and runs each prompt some times.
 *
 * @param source Where the model comes from.
 * @param options What to vary, and what to run.
 * @returns Rows, as they are done.
 * @throws {RangeError} If cases contradict each other, or a prompt and what
 * comes after it do not fit in the context.
 * @throws {Error} If there is no GPU, or a model does not fit.
 */
export async function* bench(
  source: ModelSource,
  options: BenchOptions = {},
): AsyncGenerator<BenchRow, void> {
  const { config } = source;
  const { load = {}, signal } = options;
  const runs = { ...BENCH_DEFAULTS, ...options };
  const cases = planBench(options, { expertCount: config.numLocalExperts });
  checkLoadOptions(load);
  checkContext(contextLengthOf(config, load), runs);
  using models = await BenchModels.open(source, load);
  const { adapter, vramGigabytesPerSecond, tuning } = models;
  const { activations = "float32" } = load;
  const machine = { adapter, vramGigabytesPerSecond, tuning, activations };
  options.onOpen?.(machine);
  for (const [index, { options: varied, routing }] of cases.entries()) {
    if (signal?.aborted) return;
    const start = performance.now();
    using model = await models.load({
      ...load,
      ...definedOf(varied),
      ...routing !== null && { routing },
    });
    const seconds = (performance.now() - start) / 1000;
    const { plan } = model;
    options.onLoad?.({ index, count: cases.length, seconds, plan });
    for (const promptTokens of runs.promptTokens) {
      const run = { ...runs, promptTokens, signal, gpu: models };
      const repetitions = await measure(source, model, run);
      if (repetitions.length === 0) return;
      const { contextLength } = model.model;
      const { tokens } = runs;
      const what = { config, model, contextLength, promptTokens, tokens };
      yield benchRow({ ...what, vramGigabytesPerSecond, repetitions });
    }
  }
}

/** Warms up, then measures; less often, if at all, if it is aborted. */
async function measure(
  source: ModelSource,
  { model, profiler }: BenchModel,
  { gpu, promptTokens, tokens, repeat, signal }: {
    gpu: { readonly isSoftware: boolean };
    promptTokens: number;
    tokens: number;
    repeat: number;
    signal: AbortSignal | undefined;
  },
): Promise<Repetition[]> {
  const nextPrompt = benchPrompts(source, promptTokens);
  const measured = source.isSynthetic
    ? inOrder(model, source.config.vocabSize)
    : model;
  const run = (prompt: readonly number[], tokenCount: number) =>
    runOnce(measured, { prompt, tokenCount, signal });
  // The same again and again: what is measured does not depend on how often.
  const few = Math.min(WARM_UP_TOKENS, tokens);
  const prompt = nextPrompt(few);
  const isWarm = await warmUp(
    gpu,
    async () => await run(prompt, few) !== null,
  );
  if (!isWarm) return [];
  profiler?.profile.clear(); // of what warmed up
  const repetitions: Repetition[] = [];
  while (repetitions.length < repeat) {
    const repetition = await run(nextPrompt(tokens), tokens);
    if (repetition === null) break;
    repetitions.push(repetition);
  }
  return repetitions;
}

/** What is not varied leaves what all cases have. */
function definedOf(varied: BenchCase["options"]): LoadOptions {
  return Object.fromEntries(
    Object.entries(varied).filter(([, value]) => value !== undefined),
  );
}

function checkContext(
  contextLength: number,
  { promptTokens, tokens }: {
    promptTokens: readonly number[];
    tokens: number;
  },
): void {
  const longest = Math.max(...promptTokens);
  if (longest + tokens <= contextLength) return;
  throw new RangeError(
    `Cannot bench a prompt of ${longest} tokens and ${tokens} after it: the context holds ${contextLength}, wanted ${
      longest + tokens
    } or more`,
  );
}
