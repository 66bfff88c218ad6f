/** Rotary positions, the KV cache, attention. */

import type { Gpu } from "../gpu/device.ts";
import attentionCode from "../../kernels/attention.wgsl" with { type: "text" };
import ropeKvCode from "../../kernels/rope_kv.wgsl" with { type: "text" };
import { kernelOp, type Op, reduction, type Rows } from "./op.ts";
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

/** Keys and values of one layer: (context, kvHeadCount * headDim) f32 each. */
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
  /** Queries (T, headCount * headDim), rotated in place. */
  readonly q: Rows;
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
  const { headDim, headCount, kvHeadCount, q, k, v, angles, cache, step } =
    options;
  const pairs = (headCount + kvHeadCount) * headDim / 2;
  return kernelOp(gpu, {
    sources: [STEP_SOURCE, { name: "rope_kv.wgsl", code: ropeKvCode }],
    constants: {
      D: headDim,
      HEADS: headCount,
      KV_HEADS: kvHeadCount,
      Q_STRIDE: q.stride,
      KV_STRIDE: k.stride,
    },
    bindings: {
      0: q.buffer,
      1: k.buffer,
      2: v.buffer,
      3: angles,
      4: cache.k,
      5: cache.v,
      [STEP_BINDING]: step,
    },
    workgroups: (tokenCount) => [Math.ceil(pairs / 64), tokenCount],
  });
}

/** Options for {@linkcode attention}. */
export interface AttentionOptions extends AttentionShape {
  /** Queries (T, headCount * headDim). */
  readonly q: Rows;
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
 * Makes y = softmax(q k^T / sqrt(D)) v, causal.
 *
 * @param gpu The GPU.
 * @param options The rows and the cache.
 * @returns The op.
 */
export function attention(gpu: Gpu, options: AttentionOptions): Promise<Op> {
  const { headDim, headCount, kvHeadCount, q, cache, y, window, step } =
    options;
  const { source, WG } = reduction(gpu, 64);
  return kernelOp(gpu, {
    sources: [STEP_SOURCE, source, {
      name: "attention.wgsl",
      code: attentionCode,
    }],
    constants: {
      WG,
      D: headDim,
      HEADS: headCount,
      KV_HEADS: kvHeadCount,
      STRIDE: q.stride,
      WINDOW: window,
    },
    bindings: {
      0: q.buffer,
      1: cache.k,
      2: cache.v,
      3: y.buffer,
      [STEP_BINDING]: step,
    },
    workgroups: (tokenCount) => [headCount, tokenCount],
  });
}
