/** What kernels of attention share. */

import type { KernelSource } from "../gpu/kernel.ts";
import heads from "../../kernels/lib/attention_heads.wgsl" with {
  type: "text",
};
import lanes from "../../kernels/lib/attention_lanes.wgsl" with {
  type: "text",
};
import split from "../../kernels/lib/attention_split.wgsl" with {
  type: "text",
};
import state from "../../kernels/lib/attention_state.wgsl" with {
  type: "text",
};
import states from "../../kernels/lib/attention_states.wgsl" with {
  type: "text",
};
import whole from "../../kernels/lib/attention_whole.wgsl" with {
  type: "text",
};
import type { AttentionOptions } from "./attention.ts";
import { padded } from "./padded.ts";
import { STEP_BINDING } from "./step.ts";

/** Declares `State`: what online softmax knows. */
export const STATE_SOURCE: KernelSource = {
  name: "lib/attention_state.wgsl",
  code: state,
};

/** Declares how states are merged over a workgroup. */
export const STATES_SOURCE: KernelSource = {
  name: "lib/attention_states.wgsl",
  code: states,
};

/** Declares what to do with a position over some lanes of a subgroup. */
export const LANES_SOURCE: KernelSource = {
  name: "lib/attention_lanes.wgsl",
  code: lanes,
};

/** Declares what to do with several heads over them. */
export const HEADS_SOURCE: KernelSource = {
  name: "lib/attention_heads.wgsl",
  code: heads,
};

/** Has a workgroup see all that a token sees. */
export const WHOLE_SOURCE: KernelSource = {
  name: "lib/attention_whole.wgsl",
  code: whole,
};

/** Has a workgroup see a part of it. */
export const SPLIT_SOURCE: KernelSource = {
  name: "lib/attention_split.wgsl",
  code: split,
};

/**
 * Says what kernels of rotated rows know when they are compiled.
 *
 * @param options The rows and the cache.
 * @returns The constants.
 */
export function constantsOf(
  { headDim, headCount, kvHeadCount, y, window }: AttentionOptions,
): Record<string, number> {
  return {
    D: headDim,
    QUADS: padded(headDim) / 4,
    HEADS: headCount,
    KV_HEADS: kvHeadCount,
    Y_STRIDE: y.stride,
    WINDOW: window,
  };
}

/**
 * Says what they read and write.
 *
 * @param options The rows and the cache.
 * @returns The buffers.
 */
export function bindingsOf(
  { rotated, cache, y, step }: AttentionOptions,
): Record<number, GPUBuffer> {
  return {
    0: rotated,
    1: cache.k,
    2: cache.v,
    3: y.buffer,
    [STEP_BINDING]: step,
  };
}
