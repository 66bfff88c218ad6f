/** An expert in a slot, which the host picks. */

import type { Gpu } from "../gpu/device.ts";
import pickSlot from "../../kernels/lib/pick_slot.wgsl" with { type: "text" };
import rowsSlot from "../../kernels/lib/rows_slot.wgsl" with { type: "text" };
import { manyTokensOps } from "./expert_matmul.ts";
import { type ExpertsOptions, oneTokenOps } from "./experts.ts";
import type { Routing } from "./moe.ts";
import type { Bound, Op } from "./op.ts";

/** One expert in a slot. */
export interface SlotExpertsOptions extends ExpertsOptions {
  /** The expert: a buffer of its own, or a part of one. */
  readonly buffer: Bound;
  /** Uniforms that name a rank, by rank, and an expert, by expert. */
  readonly uses: ExpertUses;
}

/** What a slot's expert can be asked for. */
export interface SlotExpert {
  /** For one token, by rank: h[rank] from x, then y[rank] from h[rank]. */
  readonly byRank: readonly { readonly up: Op; readonly down: Op }[];
  /** For many tokens, by expert id: y of the rows that it gets, in steps. */
  readonly byExpert: readonly (readonly Op[])[];
}

/** Uniforms for `lib/pick_slot.wgsl` and `lib/rows_slot.wgsl`. */
export interface ExpertUses {
  /** By rank. */
  readonly ranks: readonly GPUBuffer[];
  /** By expert. */
  readonly experts: readonly GPUBuffer[];
}

/**
 * Makes the uniforms that name ranks and experts.
 *
 * @param gpu The GPU.
 * @param routing The model's numbers.
 * @returns The uniforms.
 */
export function makeExpertUses(
  gpu: Gpu,
  { topK, expertCount }: Routing,
): ExpertUses {
  // Must be kept in sync with `Use` in kernels/lib/*_slot.wgsl.
  const uniform = (rank: number, expert: number) => {
    const buffer = gpu.memory.allocate({
      label: "use of an expert",
      size: 16,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
    const use = Uint32Array.of(rank, expert, 0, 0);
    gpu.device.queue.writeBuffer(buffer, 0, use);
    return buffer;
  };
  return {
    ranks: Array.from({ length: topK }, (_, rank) => uniform(rank, 0)),
    experts: Array.from({ length: expertCount }, (_, id) => uniform(0, id)),
  };
}

/**
 * Makes what an expert in a slot can be asked for. Same kernels as
 * {@linkcode residentExperts}, and the same bits out.
 *
 * @param gpu The GPU.
 * @param options The slot, the rows and the routing.
 * @returns Ops by rank and by expert.
 */
export async function slotExpert(
  gpu: Gpu,
  options: SlotExpertsOptions,
): Promise<SlotExpert> {
  const { scratch, uses, routing: { topK, expertCount } } = options;
  const byRank: { up: Op; down: Op }[] = [];
  for (const [rank, use] of uses.ranks.entries()) {
    const h = scratch.hOfRank[rank]!;
    const [up, down] = await oneTokenOps(
      gpu,
      { ...options, scratch: { ...scratch, h } },
      (MATRIX_AT, rowsOfX) => ({
        sources: [{ name: "lib/pick_slot.wgsl", code: pickSlot }],
        // x and h have one row; y, which has h for its x, a row for each rank.
        constants: { MATRIX_AT, Y_PER_RANK: rowsOfX },
        bindings: { 3: use },
        count: 1,
      }),
    );
    byRank.push({ up, down });
  }
  const byExpert: Op[][] = [];
  for (const use of uses.experts) {
    const ops = await manyTokensOps(gpu, options, (MATRIX_AT, X_DIVISOR) => ({
      sources: [{ name: "lib/rows_slot.wgsl", code: rowsSlot }],
      constants: { MATRIX_AT, X_DIVISOR, ROW_LIMIT: scratch.tokenLimit },
      bindings: { 3: scratch.counts, 4: scratch.lists, 5: use },
      count: 1,
      rowsPerToken: topK / expertCount,
    }));
    byExpert.push(ops);
  }
  return { byRank, byExpert };
}
