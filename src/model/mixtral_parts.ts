/** The parts of a Mixtral model: buffers and ops, all made at load. */

import type { Gpu } from "../gpu/device.ts";
import type { Readback } from "../gpu/readback.ts";
import {
  attention,
  type KvBuffers,
  ropeAngles,
  ropeKv,
} from "../ops/attention.ts";
import { linear, type Matrix } from "../ops/linear.ts";
import { makeExpertScratch } from "../ops/expert_layout.ts";
import { residentExperts } from "../ops/experts.ts";
import { combine, makeRouting, route, type RouteOptions } from "../ops/moe.ts";
import { embed, rmsNorm } from "../ops/norm.ts";
import { padded } from "../ops/padded.ts";
import { makeRows, type Op, type Rows } from "../ops/op.ts";
import { makeStepBuffers, type StepBuffers } from "../ops/step.ts";
import type { ModelConfig } from "./config.ts";
import { type ExpertRunner, residentRunner } from "./expert_runner.ts";
import {
  type Offload,
  offloadExperts,
  type OffloadOptions,
} from "./offload.ts";
import type { LayerWeights, Weights } from "./upload.ts";

/** How much room a model gets, and where its experts are. */
export interface MixtralOptions {
  /** Layers whose experts are not all on the GPU; `null` if there are none. */
  readonly offload: OffloadOptions | null;
  /** Positions of the KV cache. */
  readonly contextLength: number;
  /** The most tokens of one step. */
  readonly chunkSize: number;
}

/** One decoder layer, in the order of its ops. */
export interface LayerOps {
  readonly inputNorm: Op;
  readonly q: Op;
  readonly k: Op;
  readonly v: Op;
  readonly ropeKv: Op;
  readonly attention: Op;
  readonly o: Op;
  readonly postAttentionNorm: Op;
  readonly route: Op;
  readonly experts: ExpertRunner;
  readonly combine: Op;
}

/** What {@linkcode buildMixtral} makes. */
export interface MixtralParts {
  readonly contextLength: number;
  readonly chunkSize: number;
  readonly offload: Offload | null;
  readonly step: StepBuffers;
  readonly embed: Op;
  readonly layers: readonly LayerOps[];
  readonly finalNorm: Op;
  readonly lmHead: Op;
  /** Logits (LOGIT_ROWS or fewer, vocabSize). */
  readonly logits: Rows;
  readonly readback: Readback;
}

/** The most rows of logits that are computed at once. */
export const LOGIT_ROWS = 32;

/** Buffers that all layers share. */
type Shared = ReturnType<typeof makeShared>;

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
  const shared = makeShared(gpu, config, options);
  const { x, xb, step, angles } = shared;
  const { headDim, ropeTheta } = config;
  gpu.upload(
    angles,
    new Uint8Array(
      ropeAngles(options.contextLength, { headDim, ropeTheta }).buffer,
    ),
  );

  const layers: LayerOps[] = [];
  const offload = options.offload === null
    ? null
    : await offloadExperts(gpu, options.offload, {
      layout: weights.expertLayout,
      x: xb,
      routing: shared.routing,
      scratch: shared.scratch,
      step: step.step,
      layerCount: config.numHiddenLayers,
    });
  for (const [i, layer] of weights.layers.entries()) {
    const nextGate = weights.layers[i + 1]?.gate;
    const cache = makeKvBuffers(gpu, config, {
      layer: i,
      contextLength: options.contextLength,
    });
    layers.push(
      await makeLayer(gpu, config, {
        layer,
        shared,
        cache,
        experts: layer.experts === null ? offload!.runner(i) : residentRunner(
          await residentExperts(gpu, {
            buffer: layer.experts,
            layout: weights.expertLayout,
            x: xb,
            routing: shared.routing,
            scratch: shared.scratch,
            step: step.step,
          }),
        ),
        guess: offload !== null && offload.guessCount > 0 && nextGate &&
            layer.experts === null
          ? { nextGate, count: offload.guessCount }
          : undefined,
      }),
    );
  }
  const rowCount = Math.min(options.chunkSize, LOGIT_ROWS);
  const logits = makeRows(gpu, "logits", [rowCount, config.vocabSize]);
  return {
    contextLength: options.contextLength,
    chunkSize: options.chunkSize,
    offload,
    step,
    layers,
    logits,
    embed: await embed(gpu, {
      matrix: weights.embedding,
      tokens: step.tokens,
      x,
    }),
    finalNorm: await rmsNorm(gpu, {
      x,
      y: xb,
      weight: weights.norm,
      width: config.hiddenSize,
      epsilon: config.rmsNormEps,
      step: step.step,
      fromFirstRow: true,
    }),
    lmHead: await linear(gpu, {
      matrix: weights.lmHead,
      x: xb,
      y: logits,
      step: step.step,
    }),
    readback: await gpu.readback(rowCount * logits.stride * 4),
  };
}

async function makeLayer(
  gpu: Gpu,
  config: ModelConfig,
  { layer, shared, cache, experts, guess }: {
    layer: LayerWeights;
    shared: Shared;
    cache: KvBuffers;
    experts: ExpertRunner;
    guess: RouteOptions["guess"];
  },
): Promise<LayerOps> {
  const { x, xb, q, k, v, a, rotated, angles, routing, scratch } = shared;
  const { step } = shared.step;
  const shape = {
    headDim: config.headDim,
    headCount: config.numAttentionHeads,
    kvHeadCount: config.numKeyValueHeads,
  };
  const norm = (weight: GPUBuffer) =>
    rmsNorm(gpu, {
      x,
      y: xb,
      weight,
      width: config.hiddenSize,
      epsilon: config.rmsNormEps,
      step,
    });
  const project = (matrix: Matrix, y: Rows) =>
    linear(gpu, { matrix, x: xb, y, step });
  return {
    inputNorm: await norm(layer.inputNorm),
    q: await project(layer.q, q),
    k: await project(layer.k, k),
    v: await project(layer.v, v),
    ropeKv: await ropeKv(gpu, {
      ...shape,
      q,
      k,
      v,
      rotated,
      angles,
      cache,
      step,
    }),
    attention: await attention(gpu, {
      ...shape,
      rotated,
      cache,
      y: a,
      window: config.slidingWindow ?? 0,
      step,
    }),
    o: await linear(gpu, { matrix: layer.o, x: a, y: x, add: true, step }),
    postAttentionNorm: await norm(layer.postAttentionNorm),
    route: await route(gpu, { x: xb, gate: layer.gate, routing, guess }),
    experts,
    combine: await combine(gpu, {
      y: scratch.y,
      routing,
      x,
      width: config.hiddenSize,
    }),
  };
}

function makeShared(
  gpu: Gpu,
  config: ModelConfig,
  { contextLength, chunkSize }: MixtralOptions,
) {
  const { hiddenSize, headDim, numAttentionHeads, numKeyValueHeads } = config;
  const rows = (label: string, width: number) =>
    makeRows(gpu, label, [chunkSize, width]);
  const moe = {
    tokenLimit: chunkSize,
    expertCount: config.numLocalExperts,
    topK: config.numExpertsPerTok,
  };
  return {
    step: makeStepBuffers(gpu, chunkSize),
    x: rows("x", hiddenSize), // the residual stream
    xb: rows("xb", hiddenSize), // x, normalized
    q: rows("q", numAttentionHeads * headDim),
    k: rows("k", numKeyValueHeads * headDim),
    v: rows("v", numKeyValueHeads * headDim),
    a: rows("a", numAttentionHeads * headDim), // what attention gives
    rotated: gpu.storageBuffer(
      "rotated q",
      chunkSize * numAttentionHeads * padded(headDim) * 4,
    ),
    angles: gpu.storageBuffer("rope angles", contextLength * headDim * 4),
    routing: makeRouting(gpu, moe),
    scratch: makeExpertScratch(gpu, {
      ...moe,
      hiddenSize,
      intermediateSize: config.intermediateSize,
    }),
  };
}

/** Keys and values of a layer, all zero. */
function makeKvBuffers(
  gpu: Gpu,
  config: ModelConfig,
  { layer, contextLength }: { layer: number; contextLength: number },
): KvBuffers {
  const width = config.numKeyValueHeads * padded(config.headDim);
  const byteLength = contextLength * width * 4;
  return {
    k: gpu.storageBuffer(`keys of layer ${layer}`, byteLength),
    v: gpu.storageBuffer(`values of layer ${layer}`, byteLength),
  };
}
