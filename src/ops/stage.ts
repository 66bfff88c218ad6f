/** Brings a part of a guessed expert near, where the GPU itself chose which. */

import type { Gpu } from "../gpu/device.ts";
import missPool from "../../kernels/lib/miss_pool.wgsl" with { type: "text" };
import missStaged from "../../kernels/lib/miss_staged.wgsl" with {
  type: "text",
};
import stageCode from "../../kernels/stage.wgsl" with { type: "text" };
import { BOUND, boundUniform, type PoolPart } from "./bound_experts.ts";
import type { ExpertLayout } from "./expert_layout.ts";
import type { MissReading } from "./pick.ts";
import { BRING, BRING_WORKGROUPS } from "./copy.ts";
import { kernelOp, type Op, sequence, withRole } from "./op.ts";

/** A part of an expert that may lie in VRAM before it is missed. */
export interface StagedPart {
  /** Where it lies. */
  readonly buffer: GPUBuffer;
  /** How many vec4s, at most. */
  readonly count: number;
}

/** What may be staged of an expert: its beginning. */
export interface StagedParts {
  /** The first vec4s, at least one. */
  readonly first: StagedPart;
  /** Those that follow; may be none, and the buffer another one. */
  readonly rest: StagedPart;
}

/** Options for {@linkcode stagePart}. */
export interface StagePartOptions {
  /** How an expert lies. */
  readonly layout: ExpertLayout;
  /** Experts of a token. */
  readonly topK: number;
  /** All experts of the layer that is guessed about. */
  readonly pool: readonly PoolPart[];
  /** What the router decided: `Residency.uses`. */
  readonly uses: GPUBuffer;
  /** Where the part goes. */
  readonly part: StagedPart;
  /** Its first vec4 in the expert. */
  readonly first: number;
  /**
   * What the op behind reads, so that it has nothing to wait for once this has begun:
   * at most 3.
   */
  readonly before: readonly GPUBuffer[];
}

/**
 * Makes the copy of a part of the expert that the router named to be staged. It does
 * nothing if it named none, or fewer vec4s. To be recorded beside an op of
 * other buffers, before it if that one fills the machine.
 *
 * @param gpu The GPU.
 * @param options The part, the pool and the router's decision.
 * @returns The op.
 */
export async function stagePart(
  gpu: Gpu,
  { layout, topK, pool, uses, part, first, before }: StagePartOptions,
): Promise<Op> {
  const [a = uses, b = uses, c = uses] = before;
  const copies: Op[] = [];
  for (const source of part.count === 0 ? [] : pool) {
    copies.push(
      await kernelOp(gpu, {
        sources: [BOUND, BRING, { name: "stage.wgsl", code: stageCode }],
        constants: {
          TOP_K: topK,
          EXPERT_WORDS: layout.wordCount,
          FIRST: first,
          COUNT: part.count,
        },
        bindings: {
          0: part.buffer,
          3: uses,
          4: a,
          5: b,
          6: c,
          11: source.buffer,
          12: boundUniform(gpu, { firstSlot: 0, slotCount: 0 }, source),
        },
        workgroups: () => [BRING_WORKGROUPS],
        // A guess is in one part of the pool.
        cost: () => ({ guessByteLength: part.count * 16 / pool.length }),
      }),
    );
  }
  return withRole("guessed expert, over the link", sequence("stage", copies));
}

/**
 * Says where a missing expert is read.
 *
 * @param pool The part of the pool that it lies in.
 * @param staged What may be staged of it; `null` if nothing ever is.
 * @returns What a kernel needs for it.
 */
export function missReading(
  pool: GPUBuffer,
  staged: StagedParts | null,
): MissReading {
  if (staged === null) {
    return {
      source: { name: "lib/miss_pool.wgsl", code: missPool },
      constants: {},
      bindings: { 11: pool },
    };
  }
  return {
    source: { name: "lib/miss_staged.wgsl", code: missStaged },
    constants: { STAGED_FIRST: staged.first.count },
    bindings: { 11: pool, 13: staged.first.buffer, 14: staged.rest.buffer },
  };
}
