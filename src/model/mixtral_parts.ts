/** The parts of a Mixtral model: buffers and ops, all made at load. */

import type { Gpu } from "../gpu/device.ts";
import type { PhaseName } from "../gpu/profile.ts";
import type { Profiler } from "../gpu/profiler.ts";
import type { Readback } from "../gpu/readback.ts";
import { Recorder } from "../gpu/recorder.ts";
import { DEFAULT_POLICY } from "../offload/eviction.ts";
import { ExpertWatch } from "../offload/expert_watch.ts";
import { GUESS_DEPTH } from "../offload/offload_stats.ts";
import { decayFactors } from "../offload/use_history.ts";
import { argmax } from "../ops/argmax.ts";
import { ropeAngles } from "../ops/attention.ts";
import { embed } from "../ops/embed.ts";
import { linear } from "../ops/linear.ts";
import { rmsNorm } from "../ops/norm.ts";
import { makeRows, type Op, type Rows, withRole } from "../ops/op.ts";
import { makeResidency } from "../ops/residency.ts";
import { AHEAD_LIMIT } from "../ops/step.ts";
import type { ModelConfig } from "./config.ts";
import { type FarGuesses, makeFarGuesses } from "./far_guesses.ts";
import { GpuResidency } from "./gpu_residency.ts";
import {
  kvWidth,
  LOGIT_ROWS,
  makeKvBuffers,
  makeShared,
  type Shared,
} from "./mixtral_buffers.ts";
import { KvCache } from "./kv_cache.ts";
import { type LayerOps, makeLayers } from "./mixtral_layer.ts";
import { offloadExperts } from "./offload.ts";
import type { Offload, OffloadOptions } from "./offload.ts";
import { blockLayout, residencyWords } from "./residency_words.ts";
import type { RoutingListener } from "./routing_reader.ts";
import type { Weights } from "./upload.ts";

/** How much room a model gets, and where its experts are. */
export interface MixtralOptions {
  /** Layers whose experts are not all on the GPU; `null` if there are none. */
  readonly offload: OffloadOptions | null;
  /** Hears of the routing of the layers whose experts are all on the GPU. */
  readonly onRouting?: RoutingListener | undefined;
  /**
   * How many layers ahead routers guess besides one, for `onRouting`, which then
   * hears of each layer before the next runs.
   *
   * @default {[]}
   */
  readonly guessAhead?: readonly number[] | undefined;
  /**
   * Whether the experts of layers that are all on the GPU can be watched, too.
   *
   * @default {false}
   */
  readonly isWatchable?: boolean | undefined;
  /** Who hears what experts do. */
  readonly watch?: ExpertWatch | undefined;
  /** Positions of the KV cache. */
  readonly contextLength: number;
  /** The most tokens of one step. */
  readonly chunkSize: number;
  /**
   * Times each op in a pass of its own.
   *
   * @default {undefined} nobody wants to know
   */
  readonly profiler?: Profiler | undefined;
}

/** What {@linkcode buildMixtral} makes. */
export interface MixtralParts {
  /** Positions of the KV cache. */
  readonly contextLength: number;
  /** The most tokens of one step. */
  readonly chunkSize: number;
  /** What runs offloaded experts; `null` if all are on the GPU. */
  readonly offload: Offload | null;
  /** Where routers decide, or log what they chose; `null` if they do neither. */
  readonly residency: GpuResidency | null;
  /** Guesses about layers farther than the next; `null` if there are none. */
  readonly far: FarGuesses | null;
  /** Hears what experts do. */
  readonly watch: ExpertWatch;
  /** Keys and values of all layers. */
  readonly kv: KvCache;
  /** Buffers that all layers share. */
  readonly shared: Shared;
  /** x = embedding[token], (T, hiddenSize). */
  readonly embed: Op;
  /** The layers, in order. */
  readonly layers: readonly LayerOps[];
  /** xb = norm(x), of the rows that get logits. */
  readonly finalNorm: Op;
  /** logits = Whead xb. */
  readonly lmHead: Op;
  /** Logits (LOGIT_ROWS or fewer, vocabSize). */
  readonly logits: Rows;
  /** How many logits a row has. */
  readonly vocabSize: number;
  /** Picks the most probable token. */
  readonly pick: Op;
  /** What was picked (AHEAD_LIMIT) u32. */
  readonly picked: GPUBuffer;
  /** What the host reads through. */
  readonly readback: Readback;
  /** Begins the commands of a step, or of some that run ahead. */
  readonly record: (steps: Steps) => Recorder;
}

/** What is to be recorded. */
export interface Steps {
  /**
   * What they belong to.
   *
   * @default {"decode"} for a single token, else `"prefill"`
   */
  readonly phase?: PhaseName;
  /** Tokens of all steps together. */
  readonly tokenCount: number;
  /** Where the first of them stands. */
  readonly position: number;
}

/**
 * Makes the buffers, kernels and bind groups of a model.
 *
 * @param gpu The GPU.
 * @param weights The weights, on the GPU.
 * @param options The room that the model gets.
 * @returns The parts.
 */
export async function buildMixtral(
  gpu: Gpu,
  weights: Weights,
  options: MixtralOptions,
): Promise<MixtralParts> {
  const { config } = weights;
  const { headDim, ropeTheta, numExpertsPerTok, vocabSize } = config;
  const { contextLength, chunkSize, watch = new ExpertWatch() } = options;
  const rowCount = Math.min(chunkSize, LOGIT_ROWS);
  const logits = makeRows(gpu, "logits", [rowCount, vocabSize]);
  const picked = gpu.storageBuffer("picked tokens", AHEAD_LIMIT * 4);
  const logWords = residencyWords(config, options);
  const logitWords = rowCount * logits.stride;
  const readback = await gpu.readback(
    4 * readWords(config, options, { logWords, logitWords }),
  );
  const residency = logWords === 0 ? null : makeResidency(gpu, {
    layerCount: config.numHiddenLayers,
    topK: numExpertsPerTok,
    wordCount: blockLayout(config).wordCount,
    policy: options.offload?.policy ?? DEFAULT_POLICY,
    decayFactors: decayFactors(),
  });
  const shared = makeShared(gpu, config, {
    ...options,
    layout: weights.expertLayout,
    direct: options.offload !== null && !residency && gpu.canPin
      ? await readback.direct((numExpertsPerTok + config.numLocalExperts) * 4)
      : null,
  });
  const { x, xb, step, routing, scratch } = shared;
  const angles = ropeAngles(contextLength, { headDim, ropeTheta });
  gpu.upload(shared.angles, new Uint8Array(angles.buffer));
  const caches = weights.layers.map((_, layer) =>
    makeKvBuffers(gpu, config, { layer, contextLength })
  );
  const far = await makeFarGuesses(gpu, weights, { ...options, x: xb });
  const offload = options.offload === null
    ? null
    : await offloadExperts(gpu, options.offload, {
      layout: weights.expertLayout,
      x: xb,
      routing,
      scratch,
      step: step.step,
      layerCount: config.numHiddenLayers,
      residency,
      far,
      watch,
    });
  const guessCount = offload?.guessCount ??
    Math.min(GUESS_DEPTH, config.numLocalExperts);
  const layers = await makeLayers(gpu, weights, {
    ...{ shared, caches, offload, residency, far, guessCount, watch },
    onRouting: options.onRouting,
    isWatchable: options.isWatchable ?? false,
  });
  return {
    contextLength,
    chunkSize,
    offload,
    far,
    watch,
    residency: residency && new GpuResidency(gpu, {
      residency,
      layout: blockLayout(config),
      layerCount: config.numHiddenLayers,
      layers: options.offload?.layers ?? [],
      caches: offload?.caches ?? [],
      stats: offload?.stats ?? null,
      expertByteLength: weights.expertLayout.wordCount * 4,
      prefetch: offload?.staging?.prefetch ?? null,
      prefetchExperts: options.offload?.prefetchExperts ?? 0,
      guessCount,
      isReady: () => offload?.isPinned() ?? true,
      onRouting: options.onRouting,
      watch,
    }),
    kv: new KvCache(gpu, caches, kvWidth(config)),
    shared,
    layers,
    logits,
    vocabSize,
    embed: withRole(
      "embedding",
      await embed(gpu, {
        matrix: weights.embedding,
        tokens: step.tokens,
        x,
      }),
    ),
    finalNorm: withRole(
      "final norm",
      await rmsNorm(gpu, {
        x,
        y: xb,
        weight: weights.norm,
        width: config.hiddenSize,
        epsilon: config.rmsNormEps,
        step: step.step,
        fromFirstRow: true,
      }),
    ),
    lmHead: withRole(
      "lm_head",
      await linear(gpu, {
        matrix: weights.lmHead,
        x: xb,
        y: logits,
        step: step.step,
      }),
    ),
    pick: withRole(
      "pick",
      await argmax(gpu, { logits, vocabSize, picked, step }),
    ),
    picked,
    readback,
    record: (
      { tokenCount, position, phase = tokenCount === 1 ? "decode" : "prefill" },
    ) => {
      const { profiler } = options;
      const stepCount = phase === "prefill" ? 1 : tokenCount;
      profiler?.beginStep(phase, tokenCount, stepCount);
      return new Recorder(gpu, readback, { position, profiler });
    },
  };
}

/** The most words of a read-back: of picked tokens, of logits, or of a routing. */
function readWords(
  { numExpertsPerTok, numLocalExperts }: ModelConfig,
  { chunkSize, guessAhead = [] }: MixtralOptions,
  { logWords, logitWords }: { logWords: number; logitWords: number },
): number {
  return Math.max(
    AHEAD_LIMIT * (1 + logWords),
    logitWords + logWords,
    2 * chunkSize * numExpertsPerTok +
      numLocalExperts * (1 + guessAhead.length),
  );
}
