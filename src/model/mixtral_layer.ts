/** The ops of decoder layers, all made at load. */

import type { Gpu } from "../gpu/device.ts";
import type { ExpertWatch } from "../offload/expert_watch.ts";
import type { KvBuffers } from "../ops/attention.ts";
import { linear } from "../ops/linear.ts";
import { combine, route, type RouteOptions } from "../ops/moe.ts";
import { rmsNorm } from "../ops/norm.ts";
import { forMany, type Op, sequence, withRole } from "../ops/op.ts";
import { projections } from "../ops/projections.ts";
import type { Residency } from "../ops/residency.ts";
import { selfAttention } from "../ops/self_attention.ts";
import type { ModelConfig } from "./config.ts";
import { type ExpertRunner, makeResident } from "./expert_runner.ts";
import type { FarGuesses } from "./far_guesses.ts";
import type { Shared } from "./mixtral_buffers.ts";
import type { Offload } from "./offload.ts";
import type { RoutingListener } from "./routing_reader.ts";
import { TURN_COUNT } from "./turns.ts";
import type { LayerWeights, Weights } from "./upload.ts";

/**
 * One decoder layer, in the order of its ops. A norm is an op of its own for many
 * tokens; for one it is computed by whoever reads it.
 */
export interface LayerOps {
  /** xb = norm(x), (T, hiddenSize). */
  readonly inputNorm: Op;
  /** q = Wq xb (T, heads * headDim); k = Wk xb, v = Wv xb (T, kv heads * headDim). */
  readonly qkv: Op;
  /** Brings in a part of an expert of this layer that the one before guessed. */
  readonly stage: Op;
  /** Rotates q and k, appends k and v to the cache; a = softmax(q k^T / sqrt(D)) v. */
  readonly attention: Op;
  /** x += Wo a. */
  readonly o: Op;
  /** xb = norm(x). */
  readonly postAttentionNorm: Op;
  /** Experts and their weights (T, topK). */
  readonly route: Op;
  /** y[r] = W2 (silu(W1 xb) * W3 xb) for each rank r of each token. */
  readonly experts: ExpertRunner;
  /** x += sum of weight[r] y[r]. */
  readonly combine: Op;
}

/** What {@linkcode makeLayers} works with, besides weights. */
export interface LayersOptions {
  /** Buffers that all layers share. */
  readonly shared: Shared;
  /** Keys and values of each layer. */
  readonly caches: readonly KvBuffers[];
  /** What runs offloaded experts; `null` if all experts are on the GPU. */
  readonly offload: Offload | null;
  /** Where routers decide, or log what they chose; `null` if they do neither. */
  readonly residency: Residency | null;
  /** Guesses about layers farther than the next; `null` if there are none. */
  readonly far: FarGuesses | null;
  /** How many experts a router guesses for the next layer, where it does. */
  readonly guessCount: number;
  /** Hears of the routing of every layer. */
  readonly onRouting: RoutingListener | undefined;
  /** Hears what experts do. */
  readonly watch: ExpertWatch;
  /** Whether the experts of layers that are all on the GPU can be watched, too. */
  readonly isWatchable: boolean;
}

/**
 * Makes the ops of all layers.
 *
 * @param gpu The GPU.
 * @param weights What the model is, and the weights of each layer.
 * @param options What layers share, and who decides and hears of experts.
 * @returns The ops of each layer.
 */
export async function makeLayers(
  gpu: Gpu,
  { config, layers, expertLayout }: Weights,
  options: LayersOptions,
): Promise<LayerOps[]> {
  const { shared, caches, offload, residency, far, onRouting } = options;
  const { xb: x, routing, scratch, step: { step } } = shared;
  // The next layer may be offloaded, whatever this one is.
  const isGuessing = offload !== null && residency !== null;
  const made: LayerOps[] = [];
  for (const [index, layer] of layers.entries()) {
    const nextGate = layers[index + 1]?.gate;
    const isHeard = layer.experts === null || isGuessing ||
      onRouting !== undefined;
    const guessCount = isHeard && nextGate ? options.guessCount : 0;
    const experts = layer.experts === null
      ? offload!.runner(index)
      : await makeResident(gpu, {
        ...{ x, routing, scratch, step, far, onRouting, guessCount },
        layer: index,
        watch: options.watch,
        isWatchable: options.isWatchable,
        buffer: layer.experts,
        layout: expertLayout,
      });
    const staged = offload?.staging?.countsOf(index) ?? null;
    const ops = await makeLayer(gpu, config, {
      ...{ index, layer, shared, experts },
      cache: caches[index]!,
      guess: guessCount > 0
        ? { nextGate: nextGate!, count: guessCount }
        : undefined,
      residency: residency ? { residency, layer: index, staged } : undefined,
      stage: offload?.staging?.besideTrunk(index) ?? null,
    });
    const router = far && sequence("router", [ops.route, far.opOf(index)]);
    made.push(router ? { ...ops, route: router } : ops);
  }
  return made;
}

/** Makes the ops of a layer. */
async function makeLayer(
  gpu: Gpu,
  config: ModelConfig,
  { index, layer, shared, cache, experts, guess, residency, stage }: {
    index: number;
    layer: LayerWeights;
    shared: Shared;
    cache: KvBuffers;
    experts: ExpertRunner;
    guess: RouteOptions["guess"];
    residency: RouteOptions["residency"];
    stage: Op | null;
  },
): Promise<LayerOps> {
  const { x, xb, q, k, v, a, rotated, parts, angles, routing, scratch } =
    shared;
  const { step } = shared.step;
  const one = shared.heads[index % TURN_COUNT]!;
  const shape = {
    headDim: config.headDim,
    headCount: config.numAttentionHeads,
    kvHeadCount: config.numKeyValueHeads,
  };
  const { rmsNormEps: epsilon, hiddenSize: width } = config;
  // For one token, whoever reads xb computes it from x, or the router keeps it.
  const normed = async (weight: GPUBuffer) => ({
    op: withRole(
      "norm",
      forMany(await rmsNorm(gpu, { x, y: xb, weight, width, epsilon, step })),
    ),
    input: { x, norm: { weight, epsilon } },
  });
  const inputNorm = await normed(layer.inputNorm);
  const postAttentionNorm = await normed(layer.postAttentionNorm);
  return {
    inputNorm: inputNorm.op,
    qkv: await projections(gpu, {
      matrices: layer,
      x: xb,
      beforeNorm: inputNorm.input,
      y: { q, k, v },
      oneY: one,
      step,
    }),
    stage: stage ?? sequence("stage", []),
    attention: withRole(
      "attention",
      await selfAttention(gpu, {
        ...shape,
        q,
        k,
        v,
        one,
        rotated,
        parts,
        angles,
        cache,
        y: a,
        window: config.slidingWindow ?? 0,
        step,
      }),
    ),
    o: withRole(
      "o",
      await linear(gpu, { matrix: layer.o, x: a, y: x, add: true, step }),
    ),
    postAttentionNorm: postAttentionNorm.op,
    route: withRole(
      "router",
      await route(gpu, {
        x: xb,
        beforeNorm: postAttentionNorm.input,
        width,
        gate: layer.gate,
        routing,
        guess,
        residency,
      }),
    ),
    experts,
    combine: await combine(gpu, {
      y: scratch.y,
      partCount: scratch.partCount,
      routing,
      x,
      width,
    }),
  };
}
