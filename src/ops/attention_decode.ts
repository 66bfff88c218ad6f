/** Attention of a single token over all that it sees, in one dispatch. */

import type { Gpu } from "../gpu/device.ts";
import attentionDecodeCode from "../../kernels/attention_decode.wgsl" with {
  type: "text",
};
import { attentionCost } from "./cost.ts";
import type { AttentionOptions, RopeKvOptions } from "./attention.ts";
import {
  LANES_SOURCE,
  STATE_SOURCE,
  STATES_SOURCE,
} from "./attention_sources.ts";
import { kernelOp, type Op } from "./op.ts";
import { STEP_BINDING, STEP_SOURCE } from "./step.ts";

/** Options for {@linkcode attentionDecode}. */
export type AttentionDecodeOptions = AttentionOptions & RopeKvOptions;

/**
 * Says whether a head of a position fits some lanes of a subgroup, a vec4 each.
 *
 * @param gpu The GPU.
 * @param headDim Elements of a head.
 * @returns Whether it does.
 */
export function fitsLanes(
  { subgroupSize }: Gpu,
  headDim: number,
): boolean {
  const quads = headDim / 4;
  return headDim % 8 === 0 && quads <= 32 && subgroupSize >= quads &&
    subgroupSize % quads === 0;
}

/**
 * Makes rotary positions, the append to the cache and attention of a single token:
 * `attention_decode.wgsl`.
 *
 * @param gpu The GPU.
 * @param options The rows and the cache.
 * @returns The op; `null` if the heads do not fit the GPU's subgroups.
 */
export function attentionDecode(
  gpu: Gpu,
  options: AttentionDecodeOptions,
): Promise<Op> | null {
  const { headDim, headCount, kvHeadCount, q, k, v, y, cache } = options;
  if (!fitsLanes(gpu, headDim)) return null;
  const { subgroupSize } = gpu;
  const QUADS = headDim / 4;
  const WG = gpu.hasWideWorkgroups
    ? Math.min(512, gpu.device.limits.maxComputeInvocationsPerWorkgroup)
    : subgroupSize;
  return kernelOp(gpu, {
    sources: [
      STEP_SOURCE,
      STATE_SOURCE,
      LANES_SOURCE,
      STATES_SOURCE,
      { name: "attention_decode.wgsl", code: attentionDecodeCode },
    ],
    constants: {
      WG,
      SUBGROUP: subgroupSize,
      QUADS,
      HEADS: headCount,
      KV_HEADS: kvHeadCount,
      WINDOW: options.window,
      STATES: WG / QUADS,
      STATE_QUADS: QUADS,
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
    cost: (tokenCount, at) => attentionCost(options, tokenCount, at),
  });
}
