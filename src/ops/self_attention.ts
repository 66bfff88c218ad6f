/** Rotary positions, the KV cache and attention together. */

import type { Gpu } from "../gpu/device.ts";
import attentionDecodeCode from "../../kernels/attention_decode.wgsl" with {
  type: "text",
};
import {
  attention,
  attentionByToken,
  type AttentionOptions,
  ropeKv,
  type RopeKvOptions,
} from "./attention.ts";
import { byTokenCount, kernelOp, type Op, sequence } from "./op.ts";
import { STEP_BINDING, STEP_SOURCE } from "./step.ts";

/** Options for {@linkcode selfAttention}. */
export type SelfAttentionOptions = AttentionOptions & RopeKvOptions & {
  /**
   * Where q, k and v of a single token are.
   *
   * @default {undefined} in the first of their rows
   */
  readonly one?: Pick<RopeKvOptions, "q" | "k" | "v"> | undefined;
};

/**
 * Rotates q and k, appends k and v to the cache, and makes
 * y = softmax(q k^T / sqrt(D)) v, causal.
 *
 * One token takes `attention_decode.wgsl`, which does it all, where the heads fit
 * the GPU's subgroups.
 *
 * @param gpu The GPU.
 * @param options The rows and the cache.
 * @returns The op.
 */
export async function selfAttention(
  gpu: Gpu,
  options: SelfAttentionOptions,
): Promise<Op> {
  const forOne = { ...options, ...options.one };
  const decode = await attentionDecode(gpu, forOne) ??
    sequence("attention", [
      await ropeKv(gpu, forOne),
      await attentionByToken(gpu, forOne),
    ]);
  const prefill = [await ropeKv(gpu, options), await attention(gpu, options)];
  return byTokenCount(decode, sequence("attention", prefill));
}

/**
 * Makes all of it for a single token: `attention_decode.wgsl`.
 *
 * @param gpu The GPU.
 * @param options The rows and the cache.
 * @returns The op; `null` if the heads do not fit the GPU's subgroups.
 */
export function attentionDecode(
  gpu: Gpu,
  options: SelfAttentionOptions,
): Promise<Op> | null {
  const { headDim, headCount, kvHeadCount, q, k, v, y, cache } = options;
  const { subgroupSize } = gpu;
  const QUADS = headDim / 4;
  const fits = headDim % 8 === 0 && subgroupSize >= QUADS &&
    subgroupSize % QUADS === 0 && QUADS <= 32;
  if (!fits) return null;
  const WG = gpu.hasWideWorkgroups
    ? Math.min(512, gpu.device.limits.maxComputeInvocationsPerWorkgroup)
    : subgroupSize;
  return kernelOp(gpu, {
    sources: [STEP_SOURCE, {
      name: "attention_decode.wgsl",
      code: attentionDecodeCode,
    }],
    constants: {
      WG,
      SUBGROUP: subgroupSize,
      QUADS,
      HEADS: headCount,
      KV_HEADS: kvHeadCount,
      WINDOW: options.window,
      STATES: WG / QUADS,
      SUM_QUADS: WG,
    },
    bindings: {
      0: q.buffer,
      1: k.buffer,
      2: v.buffer,
      3: options.angles,
      4: y.buffer,
      5: cache.k,
      6: cache.v,
      [STEP_BINDING]: options.step,
    },
    workgroups: () => [headCount],
  });
}
