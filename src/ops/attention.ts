/** Rotary positions, the KV cache, attention. */

import type { Gpu } from "../gpu/device.ts";
import attentionSquares from "../../kernels/lib/attention_squares.wgsl" with {
  type: "text",
};
import attentionTileCode from "../../kernels/attention_tile.wgsl" with {
  type: "text",
};
import attentionCode from "../../kernels/attention.wgsl" with { type: "text" };
import ropeKvCode from "../../kernels/rope_kv.wgsl" with { type: "text" };
import {
  bindingsOf,
  constantsOf,
  STATE_SOURCE,
  WHOLE_SOURCE,
} from "./attention_sources.ts";
import { attentionWide } from "./attention_wide.ts";
import { attentionCost } from "./cost.ts";
import { kernelOp, type Op, reduction, type Rows } from "./op.ts";
import { padded } from "./padded.ts";
import { STEP_BINDING, STEP_SOURCE } from "./step.ts";

/** The shape of a layer's attention. */
export interface AttentionShape {
  /** Elements of a head: D, even. */
  readonly headDim: number;
  /** Heads of q. */
  readonly headCount: number;
  /** Heads of k and v; divides `headCount`. */
  readonly kvHeadCount: number;
}

/**
 * Keys and values of one layer: (context, kvHeadCount, padded headDim) f32 each.
 */
export interface KvBuffers {
  /** Keys, rotated. */
  readonly k: GPUBuffer;
  /** Values. */
  readonly v: GPUBuffer;
}

/**
 * Computes the rotations of all positions, in double precision.
 *
 * GPU sines lose digits at large angles, so the table is made on the host:
 * angle = position * theta^(-2 i / D) (RoFormer, arXiv 2104.09864).
 *
 * @param contextLength How many positions.
 * @param options The size of a head and the base of the frequencies.
 * @returns cos and sin (contextLength, D / 2, 2).
 */
export function ropeAngles(
  contextLength: number,
  { headDim, ropeTheta }: { headDim: number; ropeTheta: number },
): Float32Array<ArrayBuffer> {
  const half = headDim / 2;
  const angles = new Float32Array(contextLength * headDim);
  for (let i = 0; i < half; i++) {
    const frequency = ropeTheta ** (-2 * i / headDim);
    for (let position = 0; position < contextLength; position++) {
      const at = position * headDim + 2 * i;
      angles[at] = Math.cos(position * frequency);
      angles[at + 1] = Math.sin(position * frequency);
    }
  }
  return angles;
}

/** Options for {@linkcode ropeKv}. */
export interface RopeKvOptions extends AttentionShape {
  /** Queries (T, headCount * headDim). */
  readonly q: Rows;
  /** Queries, rotated (T, headCount, padded headDim). */
  readonly rotated: GPUBuffer;
  /** Keys (T, kvHeadCount * headDim). */
  readonly k: Rows;
  /** Values (T, kvHeadCount * headDim). */
  readonly v: Rows;
  /** The table of {@linkcode ropeAngles}. */
  readonly angles: GPUBuffer;
  /** The cache to append to. */
  readonly cache: KvBuffers;
  /** The uniform of the step. */
  readonly step: GPUBuffer;
}

/**
 * Rotates q and k, and appends k and v to the cache.
 *
 * @param gpu The GPU.
 * @param options The rows and the cache.
 * @returns The op.
 */
export function ropeKv(gpu: Gpu, options: RopeKvOptions): Promise<Op> {
  const { headDim, headCount, kvHeadCount, q, k, v, rotated, cache } = options;
  const pairs = (headCount + kvHeadCount) * headDim / 2;
  return kernelOp(gpu, {
    sources: [STEP_SOURCE, { name: "rope_kv.wgsl", code: ropeKvCode }],
    constants: {
      D: headDim,
      D_PADDED: padded(headDim),
      HEADS: headCount,
      KV_HEADS: kvHeadCount,
      Q_STRIDE: q.stride,
      KV_STRIDE: k.stride,
    },
    bindings: {
      0: q.buffer,
      1: k.buffer,
      2: v.buffer,
      3: options.angles,
      4: rotated,
      5: cache.k,
      6: cache.v,
      [STEP_BINDING]: options.step,
    },
    workgroups: (tokenCount) => [Math.ceil(pairs / 64), tokenCount],
  });
}

/** Options for {@linkcode attention}. */
export interface AttentionOptions extends AttentionShape {
  /** Queries, rotated (T, headCount, padded headDim). */
  readonly rotated: GPUBuffer;
  /** The cache, the step's own positions included. */
  readonly cache: KvBuffers;
  /** The result (T, headCount * headDim). */
  readonly y: Rows;
  /** How many positions a token sees, its own included; 0 for all. */
  readonly window: number;
  /** The uniform of the step. */
  readonly step: GPUBuffer;
}

/**
 * Makes y = softmax(q k^T / sqrt(D)) v, causal, for many tokens: in tiles where
 * they fit the workgroup memory.
 *
 * @param gpu The GPU.
 * @param options The rows and the cache.
 * @returns The op.
 */
export function attention(gpu: Gpu, options: AttentionOptions): Promise<Op> {
  const limit = gpu.device.limits.maxComputeWorkgroupStorageSize;
  if (attentionTileByteLength(options) > limit) {
    return attentionByToken(gpu, options);
  }
  // On the CPU, registers are memory like any other.
  return (gpu.hasWideWorkgroups ? attentionWide(gpu, options) : null) ??
    attentionByTile(gpu, options);
}

/**
 * Makes attention with a workgroup for a head of a token: `attention.wgsl`.
 *
 * @param gpu The GPU.
 * @param options The rows and the cache.
 * @returns The op.
 */
export function attentionByToken(
  gpu: Gpu,
  options: AttentionOptions,
): Promise<Op> {
  const { source, constants } = reduction(gpu, 64);
  return kernelOp(gpu, {
    sources: [
      STEP_SOURCE,
      source,
      STATE_SOURCE,
      WHOLE_SOURCE,
      { name: "attention.wgsl", code: attentionCode },
    ],
    constants: { ...constantsOf(options), ...constants },
    bindings: bindingsOf(options),
    workgroups: (tokenCount) => [options.headCount, tokenCount],
    cost: (tokenCount, at) => attentionCost(options, tokenCount, at),
  });
}

/**
 * Makes attention with a workgroup for a head of 32 tokens:
 * `attention_tile.wgsl`.
 *
 * @param gpu The GPU.
 * @param options The rows and the cache.
 * @returns The op.
 */
export function attentionByTile(
  gpu: Gpu,
  options: AttentionOptions,
): Promise<Op> {
  return kernelOp(gpu, {
    sources: [STEP_SOURCE, {
      name: "lib/attention_squares.wgsl",
      code: attentionSquares,
    }, {
      name: "attention_tile.wgsl",
      code: attentionTileCode,
    }],
    constants: {
      ...constantsOf(options),
      SUM_QUADS: 32 * padded(options.headDim) / 4,
    },
    bindings: bindingsOf(options),
    workgroups: (tokenCount) => [options.headCount, Math.ceil(tokenCount / 32)],
    cost: (tokenCount, at) => attentionCost(options, tokenCount, at),
  });
}

/** Workgroup memory of `attention_tile.wgsl`. */
function attentionTileByteLength({ headDim }: AttentionShape): number {
  return 3 * 256 * 16 + 32 * padded(headDim) * 4 + 3 * 32 * 4;
}
