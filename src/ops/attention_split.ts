/** Attention of a single token over many positions, in parts. */

import type { Gpu } from "../gpu/device.ts";
import attentionCode from "../../kernels/attention.wgsl" with { type: "text" };
import attentionMergeCode from "../../kernels/attention_merge.wgsl" with {
  type: "text",
};
import attentionPartCode from "../../kernels/attention_part.wgsl" with {
  type: "text",
};
import { type AttentionShape, ropeKv } from "./attention.ts";
import { type AttentionDecodeOptions, fitsLanes } from "./attention_decode.ts";
import {
  HEADS_SOURCE,
  LANES_SOURCE,
  SPLIT_SOURCE,
  STATE_SOURCE,
  STATES_SOURCE,
} from "./attention_sources.ts";
import { attentionCost } from "./cost.ts";
import { kernelOp, type Op, reduction, sequence } from "./op.ts";
import { padded } from "./padded.ts";
import { STEP_BINDING, STEP_SOURCE } from "./step.ts";

/** From how many positions on it pays to have a second dispatch merge parts. */
export const SPLIT_FROM = 384;
/** Small workgroups that keep a GPU busy. */
const WORKGROUP_COUNT = 256;
/** Heads of q that a workgroup of `attention_part.wgsl` takes. */
const HEADS_AT_ONCE = 4;
/** Its invocations, of which each shares a vec4 for each of these heads. */
const PART_WIDTH = 128;
/** Invocations of `attention_merge.wgsl`, at most, and vec4s that it merges. */
const MERGE_WIDTH = 128;
const STATE_QUADS = 8;
const PARTS_BINDING = 8;

/**
 * Decides whether the positions that a token sees are split. Nothing else may decide
 * it: sums in parts differ in their last bits.
 *
 * @param position Where the token stands, if that is known.
 * @param window How many positions it sees, its own included; 0 for all.
 * @returns Whether they are.
 */
export function isSplit(position: number | undefined, window: number): boolean {
  if (position === undefined) return false;
  return Math.min(position + 1, window || Infinity) >= SPLIT_FROM;
}

/**
 * Decides how many parts there are where there are any.
 *
 * @param shape How many heads there are.
 * @returns A power of two.
 */
export function attentionPartCount(
  { headCount, kvHeadCount }: AttentionShape,
): number {
  const groupCount = kvHeadCount * chunkCount({ headCount, kvHeadCount });
  const wanted = 2 ** Math.floor(Math.log2(WORKGROUP_COUNT / groupCount));
  return Math.min(32, Math.max(2, wanted));
}

/**
 * Says what the parts take; all layers may share them.
 *
 * @param gpu The GPU.
 * @param shape The shape of a layer's attention.
 * @returns Bytes; 0 where nothing is split.
 */
export function attentionPartsByteLength(
  gpu: Gpu,
  shape: AttentionShape,
): number {
  if (!gpu.hasWideWorkgroups) return 0;
  const { headCount, headDim } = shape;
  return attentionPartCount(shape) * headCount * (padded(headDim) + 4) * 4;
}

/** Options for {@linkcode attentionSplit}. */
export type AttentionSplitOptions = AttentionDecodeOptions & {
  /** The states of the parts: {@linkcode attentionPartsByteLength}. */
  readonly parts: GPUBuffer;
  /**
   * How many there are.
   *
   * @default {number} {@linkcode attentionPartCount}
   */
  readonly partCount?: number;
};

/**
 * Makes rotary positions, the append to the cache and attention of a single token
 * in parts, and merges them: Flash-Decoding (Dao et al. 2023).
 *
 * @param gpu The GPU.
 * @param options The rows and the cache.
 * @returns The op; `null` where it does not pay: on the CPU.
 */
export async function attentionSplit(
  gpu: Gpu,
  options: AttentionSplitOptions,
): Promise<Op | null> {
  const quads = padded(options.headDim) / 4;
  if (!gpu.hasWideWorkgroups) return null;
  const all = { partCount: attentionPartCount(options), ...options };
  const parts = fitsLanes(gpu, options.headDim) && quads >= HEADS_AT_ONCE
    ? [await attentionPart(gpu, all)]
    : [await ropeKv(gpu, all), await attentionPartByHead(gpu, all)];
  return sequence("attention", [...parts, await attentionMerge(gpu, all)]);
}

type PartOptions = AttentionSplitOptions & { readonly partCount: number };

/** For heads of q that share a head of k and v: `attention_part.wgsl`. */
function attentionPart(gpu: Gpu, options: PartOptions): Promise<Op> {
  const { headDim, headCount, kvHeadCount, q, k, v, cache } = options;
  const QUADS = headDim / 4;
  const WG = Math.max(PART_WIDTH, gpu.subgroupSize);
  const CHUNKS = chunkCount(options);
  return kernelOp(gpu, {
    sources: [
      STEP_SOURCE,
      STATE_SOURCE,
      LANES_SOURCE,
      HEADS_SOURCE,
      SPLIT_SOURCE,
      { name: "attention_part.wgsl", code: attentionPartCode },
    ],
    constants: {
      WG,
      SUBGROUP: gpu.subgroupSize,
      QUADS,
      STATES: WG / QUADS,
      SUM_QUADS: WG * HEADS_AT_ONCE,
      HEADS: headCount,
      KV_HEADS: kvHeadCount,
      CHUNKS,
      PARTS: options.partCount,
      WINDOW: options.window,
    },
    bindings: {
      0: q.buffer,
      1: k.buffer,
      2: v.buffer,
      3: options.angles,
      5: cache.k,
      6: cache.v,
      [PARTS_BINDING]: options.parts,
      [STEP_BINDING]: options.step,
    },
    workgroups: () => [kvHeadCount * CHUNKS, options.partCount],
    cost: (tokenCount, at) => attentionCost(options, tokenCount, at),
  });
}

/** For a head that fits no subgroup: `attention.wgsl`. */
function attentionPartByHead(gpu: Gpu, options: PartOptions): Promise<Op> {
  const { headDim, headCount, kvHeadCount, cache, partCount } = options;
  const { source, constants } = reduction(gpu, 64);
  return kernelOp(gpu, {
    sources: [
      STEP_SOURCE,
      source,
      STATE_SOURCE,
      SPLIT_SOURCE,
      { name: "attention.wgsl", code: attentionCode },
    ],
    constants: {
      D: headDim,
      QUADS: padded(headDim) / 4,
      HEADS: headCount,
      KV_HEADS: kvHeadCount,
      PARTS: partCount,
      WINDOW: options.window,
      ...constants,
    },
    bindings: {
      0: options.rotated,
      1: cache.k,
      2: cache.v,
      [PARTS_BINDING]: options.parts,
      [STEP_BINDING]: options.step,
    },
    workgroups: () => [headCount, 1, partCount],
    cost: (tokenCount, at) => attentionCost(options, tokenCount, at),
  });
}

/** Merges the parts in their order: `attention_merge.wgsl`. */
function attentionMerge(gpu: Gpu, options: PartOptions): Promise<Op> {
  const { headDim, headCount, partCount, y } = options;
  const QUADS = padded(headDim) / 4;
  const STATES = Math.min(partCount, MERGE_WIDTH / STATE_QUADS);
  return kernelOp(gpu, {
    sources: [
      STATE_SOURCE,
      STATES_SOURCE,
      { name: "attention_merge.wgsl", code: attentionMergeCode },
    ],
    constants: {
      WG: STATES * STATE_QUADS,
      STATES,
      STATE_QUADS,
      SUM_QUADS: STATES * STATE_QUADS,
      QUADS,
      D: headDim,
      HEADS: headCount,
      PARTS: partCount,
    },
    bindings: { 3: y.buffer, [PARTS_BINDING]: options.parts },
    workgroups: () => [headCount, Math.ceil(QUADS / STATE_QUADS)],
  });
}

/** In how many steps of some heads each those of a head of k and v are taken. */
function chunkCount(
  { headCount, kvHeadCount }: Pick<AttentionShape, "headCount" | "kvHeadCount">,
): number {
  return Math.ceil(headCount / kvHeadCount / HEADS_AT_ONCE);
}
