/** The ops of a decoder layer, all made at load. */

import type { Gpu } from "../gpu/device.ts";
import type { KvBuffers } from "../ops/attention.ts";
import { linear } from "../ops/linear.ts";
import { combine, route, type RouteOptions } from "../ops/moe.ts";
import { rmsNorm } from "../ops/norm.ts";
import { forMany, type Op, sequence, withRole } from "../ops/op.ts";
import { projections } from "../ops/projections.ts";
import { selfAttention } from "../ops/self_attention.ts";
import type { ModelConfig } from "./config.ts";
import type { ExpertRunner } from "./expert_runner.ts";
import type { Shared } from "./mixtral_buffers.ts";
import { TURN_COUNT } from "./turns.ts";
import type { LayerWeights } from "./upload.ts";

/**
 * One decoder layer, in the order of its ops. A norm is an op of its own for many
 * tokens; for one it is computed by whoever reads it.
 */
export interface LayerOps {
  readonly inputNorm: Op;
  readonly qkv: Op;
  /** Brings in a part of an expert of this layer that the one before guessed. */
  readonly stage: Op;
  readonly attention: Op;
  readonly o: Op;
  readonly postAttentionNorm: Op;
  readonly route: Op;
  readonly experts: ExpertRunner;
  readonly combine: Op;
}

/**
 * Makes the ops of a layer.
 *
 * @param gpu The GPU.
 * @param config What the model is.
 * @param options The layer's number, weights, keys and values, what all layers
 * share, its experts, and what its router guesses, decides and has staged.
 * @returns The ops.
 */
export async function makeLayer(
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
