/** The model in plain loops on the CPU, for as many positions as time allows. */

import { counted } from "../io/counted.ts";
import type { ModelConfig } from "../model/config.ts";
import { multiplyPool } from "../model/multiply_pool.ts";
import {
  multiplyRows,
  type PlainReader,
  plainWeights,
} from "../model/plain_weights.ts";
import { type ReferenceResult, runReference } from "../model/reference.ts";
import type { Progress } from "../model/upload.ts";
import {
  choosePositions,
  type PlainSpeed,
  type WeightCounts,
} from "./verify_cases.ts";
import { thisMachine } from "./this_machine.ts";
import type { Routings } from "./verify_routing.ts";
import { chooseWorkerCount } from "./worker_count.ts";

/** With fewer weights a loop may end before it is compiled. */
const WARM_WEIGHT_COUNT = 1e7;

/** What {@linkcode runPlain} is given. */
export interface PlainOptions {
  /** What the model is. */
  readonly config: ModelConfig;
  /** Its weights. */
  readonly weights: PlainReader;
  /** The tokens; it runs some of the first. */
  readonly ids: readonly number[];
  /** How many positions, if not as many as the time allows. */
  readonly positionCount: number | undefined;
  /** How long it may take, if nobody says how many positions. */
  readonly budgetMs: number;
  /** Where the GPU sent the tokens. */
  readonly routings: Routings;
  /** Ends it when aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Hears how far it is. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** What the plain model said. */
export interface PlainRun extends ReferenceResult {
  /** How many workers multiplied. */
  readonly workerCount: number;
  /** How long it took. */
  readonly timeMs: number;
}

/**
 * Runs the plain model in float64 and in float32, in workers. Tokens go where the
 * GPU sent them: if two experts are nearly tied, both choices are right, and
 * `judgeReference()` tells whether they are.
 *
 * @param options The model, tokens, and how long it may take.
 * @returns What it said.
 * @throws {Error} If weights cannot be read, or it was aborted.
 */
export async function runPlain(options: PlainOptions): Promise<PlainRun> {
  const { config, weights, ids, routings, signal, onProgress } = options;
  const start = performance.now();
  const counts = weightCounts(config);
  const workerCount = chooseWorkerCount(
    [
      Array<number>(config.numLocalExperts)
        .fill(config.hiddenSize * config.intermediateSize),
    ],
    thisMachine(),
    undefined,
  );
  const count = options.positionCount ??
    choosePositions(options.budgetMs, {
      counts,
      speed: await warmSpeed(config, weights),
      workerCount,
      limit: ids.length,
    });
  using pool = multiplyPool(workerCount);
  const what = `plain loops, ${counted(count, "position")}`;
  const report = (done: number, total: number) =>
    onProgress?.({ what, done, total });
  report(0, config.numHiddenLayers + 1);
  const result = await runReference(ids.slice(0, count), {
    config,
    weights,
    isRounded: true,
    expertsOf: (layer, position) => routings[layer]?.[position]?.ids,
    multiply: (matrix, xs) => pool.run({ matrix, xs }),
    parallelCount: workerCount,
    signal,
    onLayer: report,
  });
  return { ...result, workerCount, timeMs: performance.now() - start };
}

/** The second time is that of compiled code; it costs little where it matters. */
async function warmSpeed(
  config: ModelConfig,
  weights: PlainReader,
): Promise<PlainSpeed> {
  if (config.hiddenSize * config.intermediateSize < WARM_WEIGHT_COUNT) {
    for (let i = 0; i < 3; i++) await measureSpeed(config, weights);
  }
  return await measureSpeed(config, weights);
}

/** Reads a matrix, and multiplies a row by it. */
async function measureSpeed(
  { hiddenSize, intermediateSize }: ModelConfig,
  weights: PlainReader,
): Promise<PlainSpeed> {
  const base = "model.layers.0.block_sparse_moe.experts.0.w1";
  const shape = [intermediateSize, hiddenSize] as const;
  const start = performance.now();
  const w = plainWeights(await weights.readPlain(base, shape, "experts"));
  const read = performance.now();
  const x = Float64Array.from({ length: hiddenSize }, (_, i) => Math.sin(i));
  multiplyRows(w, [x, Float32Array.from(x)]);
  const end = performance.now();
  const perWeight = 1e6 / w.length;
  return {
    weightNs: (read - start) * perWeight,
    multiplyNs: (end - read) * perWeight,
  };
}

function weightCounts(config: ModelConfig): WeightCounts {
  const { hiddenSize, headDim, numAttentionHeads, numKeyValueHeads } = config;
  return {
    layerCount: config.numHiddenLayers,
    expertCount: config.numLocalExperts,
    topK: config.numExpertsPerTok,
    attention: 2 * (numAttentionHeads + numKeyValueHeads) * headDim *
      hiddenSize,
    expert: 3 * hiddenSize * config.intermediateSize,
    head: config.vocabSize * hiddenSize,
  };
}
