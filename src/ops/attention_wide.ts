/** Attention of many tokens on a GPU. */

import type { Gpu } from "../gpu/device.ts";
import attentionProducts from "../../kernels/lib/attention_products.wgsl" with {
  type: "text",
};
import attentionRows from "../../kernels/lib/attention_rows.wgsl" with {
  type: "text",
};
import attentionSlices from "../../kernels/lib/attention_slices.wgsl" with {
  type: "text",
};
import outerCode from "../../kernels/lib/outer.wgsl" with { type: "text" };
import attentionWideCode from "../../kernels/attention_wide.wgsl" with {
  type: "text",
};
import type { AttentionOptions } from "./attention.ts";
import { bindingsOf, constantsOf, STATE_SOURCE } from "./attention_sources.ts";
import { attentionCost } from "./cost.ts";
import { kernelOp, type Op } from "./op.ts";
import { padded } from "./padded.ts";
import { STEP_SOURCE } from "./step.ts";

/** Rows of a workgroup of `attention_wide.wgsl`. */
const ROWS = 64;
/** Its invocations. */
const WG = 128;
/** Its memory: two places for slices, and the weights. */
const BYTE_LENGTH = 2 * 1024 * 16;
/** Vec4s of the largest head: two for each of 16 invocations. */
const QUAD_LIMIT = 32;

/**
 * Makes attention with a workgroup for the heads of some tokens that share a head
 * of k and v: `attention_wide.wgsl`.
 *
 * @param gpu The GPU.
 * @param options The rows and the cache.
 * @returns The op; `null` if the heads, or the GPU, are not made for it.
 */
export function attentionWide(
  gpu: Gpu,
  options: AttentionOptions,
): Promise<Op> | null {
  const { headDim, headCount, kvHeadCount } = options;
  const { limits } = gpu.device;
  const QUADS = padded(headDim) / 4;
  const RATIO = headCount / kvHeadCount;
  const fits = QUADS <= QUAD_LIMIT && RATIO <= ROWS &&
    BYTE_LENGTH <= limits.maxComputeWorkgroupStorageSize &&
    WG <= limits.maxComputeInvocationsPerWorkgroup;
  if (!fits) return null;
  const TOKENS = Math.floor(ROWS / RATIO);
  return kernelOp(gpu, {
    sources: [
      STEP_SOURCE,
      STATE_SOURCE,
      { name: "lib/attention_slices.wgsl", code: attentionSlices },
      { name: "lib/outer.wgsl", code: outerCode },
      { name: "lib/attention_products.wgsl", code: attentionProducts },
      { name: "lib/attention_rows.wgsl", code: attentionRows },
      { name: "attention_wide.wgsl", code: attentionWideCode },
    ],
    constants: { ...constantsOf(options), RATIO, TOKENS },
    bindings: bindingsOf(options),
    workgroups: (tokenCount) => [kvHeadCount, Math.ceil(tokenCount / TOKENS)],
    cost: (tokenCount, at) => attentionCost(options, tokenCount, at),
  });
}
