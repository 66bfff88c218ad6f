/** The experts of a layer in slots that the GPU itself assigns. */

import type { Gpu } from "../gpu/device.ts";
import fetchCode from "../../kernels/fetch.wgsl" with { type: "text" };
import pickUse from "../../kernels/lib/pick_use.wgsl" with { type: "text" };
import {
  type Bank,
  BOUND,
  boundUniform,
  type PoolPart,
} from "./bound_experts.ts";
import { BRING, BRING_WORKGROUPS } from "./copy.ts";
import { type ExpertsOptions, fillsSlots, oneTokenOps } from "./experts.ts";
import type { WeightPick } from "./pick.ts";
import { kernelOp, type Op, sequence, withRole } from "./op.ts";
import { missReading, type StagedParts } from "./stage.ts";

/** Options for {@linkcode bankExperts}. */
export interface BankExpertsOptions extends ExpertsOptions {
  /** The layer's slots. */
  readonly banks: readonly Bank[];
  /** Bytes from one slot to the next, a multiple of 16. */
  readonly slotByteLength: number;
  /** All experts of the layer. */
  readonly pool: readonly PoolPart[];
  /**
   * What the router decided (topK) vec4u: rank, slot, expert, and 0 if it is in its
   * slot, else 1 more than how many of its vec4s are staged.
   */
  readonly uses: GPUBuffer;
  /** What may be staged of a missing expert; `null` if nothing ever is. */
  readonly staged: StagedParts | null;
}

/**
 * Makes y[rank] = W2 (silu(W1 x) * W3 x) for one token's experts in their slots.
 * Those that are missing come over the bus: products that read in strips read them
 * there and fill the slot with what they read; before others a copy fills it. Same
 * bits as {@linkcode residentExperts}.
 *
 * @param gpu The GPU.
 * @param options The slots, the pool, the rows and the routing.
 * @returns The op.
 */
export async function bankExperts(
  gpu: Gpu,
  options: BankExpertsOptions,
): Promise<Op> {
  const { banks, pool, layout } = options;
  const fills = fillsSlots(gpu, layout);
  const fetches: Op[] = [];
  const ups: Op[] = [];
  const downs: Op[] = [];
  for (const bank of banks) {
    for (const part of pool) {
      if (!fills) fetches.push(await fetchOp(gpu, options, { bank, part }));
    }
    // Whoever fills needs to know where from; others find all in the slots.
    for (const part of fills ? pool : [null]) {
      const [up, down] = await oneTokenOps(
        gpu,
        { ...options, buffer: bank.buffer },
        pickOf(gpu, options, { bank, part }),
      );
      ups.push(up);
      downs.push(down);
    }
  }
  return sequence("experts", [...fetches, ...ups, ...downs]);
}

async function fetchOp(
  gpu: Gpu,
  options: BankExpertsOptions,
  places: { bank: Bank; part: PoolPart },
): Promise<Op> {
  const pick = pickOf(gpu, options, places)(0, 0);
  const misses = pick.misses!;
  const op = await kernelOp(gpu, {
    sources: [...pick.sources, misses.source, BRING, {
      name: "fetch.wgsl",
      code: fetchCode,
    }],
    constants: { ...pick.constants, ...misses.constants },
    bindings: {
      ...pick.bindings,
      ...misses.bindings,
      0: places.bank.buffer,
    },
    workgroups: () => [BRING_WORKGROUPS, 1, pick.count],
    cost: () => ({
      missByteLength: pick.rowsPerToken! * options.layout.wordCount * 4,
    }),
  });
  return withRole("missing experts, over the link", op);
}

/** Picks the uses whose slot is in the bank and whose expert is in the part. */
function pickOf(
  gpu: Gpu,
  { layout, slotByteLength, uses, routing, staged, banks, pool }:
    BankExpertsOptions,
  { bank, part }: { bank: Bank; part: PoolPart | null },
): (matrixAt: number, xRows: number) => WeightPick {
  const bound = boundUniform(gpu, bank, part);
  const opCount = banks.length * (part === null ? 1 : pool.length);
  return (MATRIX_AT, X_PER_RANK) => ({
    sources: [BOUND, { name: "lib/pick_use.wgsl", code: pickUse }],
    constants: {
      SLOT_WORDS: slotByteLength / 4,
      EXPERT_WORDS: layout.wordCount,
      MATRIX_AT,
      X_PER_RANK,
    },
    bindings: { 3: uses, 12: bound },
    count: routing.topK,
    // Each of a token's experts is in one bank and one part.
    rowsPerToken: routing.topK / opCount,
    ...(part !== null && { misses: missReading(part.buffer, staged) }),
  });
}
