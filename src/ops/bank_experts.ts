/** The experts of a layer in slots that the GPU itself assigns. */

import type { Gpu } from "../gpu/device.ts";
import fetchCode from "../../kernels/fetch.wgsl" with { type: "text" };
import pickUse from "../../kernels/lib/pick_use.wgsl" with { type: "text" };
import { type ExpertsOptions, oneTokenOps } from "./experts.ts";
import type { Pick } from "./matvec.ts";
import { kernelOp, type Op, sequence } from "./op.ts";
import { POOL_BINDING, readsStrips } from "./strip.ts";

/** Slots of a layer in one buffer. */
export interface Bank {
  /** The buffer. */
  readonly buffer: GPUBuffer;
  /** The first slot in it. */
  readonly firstSlot: number;
  /** How many slots. */
  readonly slotCount: number;
}

/** Experts of a layer, one after the other in a buffer of host memory. */
export interface PoolPart {
  /** The buffer. */
  readonly buffer: GPUBuffer;
  /** The first expert. */
  readonly firstExpert: number;
  /** How many experts. */
  readonly count: number;
  /** The first's number among those of the buffer. */
  readonly index: number;
}

/** Options for {@linkcode bankExperts}. */
export interface BankExpertsOptions extends ExpertsOptions {
  /** The layer's slots. */
  readonly banks: readonly Bank[];
  /** Bytes from one slot to the next, a multiple of 16. */
  readonly slotByteLength: number;
  /** All experts of the layer. */
  readonly pool: readonly PoolPart[];
  /**
   * What the router decided (topK) vec4u: rank, slot, expert, and whether it is
   * missing in its slot.
   */
  readonly uses: GPUBuffer;
}

/** Workgroups of a copy: see `ExpertCopier`. */
const FETCH_WORKGROUPS = 64;

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
  const fills = readsStrips(gpu, layout.up) && readsStrips(gpu, layout.down);
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

function fetchOp(
  gpu: Gpu,
  options: BankExpertsOptions,
  places: { bank: Bank; part: PoolPart },
): Promise<Op> {
  const pick = pickOf(gpu, options, places)(0, 0);
  return kernelOp(gpu, {
    sources: [pick.source, { name: "fetch.wgsl", code: fetchCode }],
    constants: pick.constants,
    bindings: {
      ...pick.bindings,
      0: places.bank.buffer,
      [POOL_BINDING]: places.part.buffer,
    },
    workgroups: () => [FETCH_WORKGROUPS, 1, pick.count],
  });
}

/** Picks the uses whose slot is in the bank and whose expert is in the part. */
function pickOf(
  gpu: Gpu,
  { layout, slotByteLength, uses, routing }: BankExpertsOptions,
  { bank, part }: { bank: Bank; part: PoolPart | null },
): (matrixAt: number, xRows: number) => Pick {
  const bound = boundUniform(gpu, bank, part);
  return (MATRIX_AT, X_PER_RANK) => ({
    source: { name: "lib/pick_use.wgsl", code: pickUse },
    constants: {
      SLOT_WORDS: slotByteLength / 4,
      EXPERT_WORDS: layout.wordCount,
      MATRIX_AT,
      X_PER_RANK,
    },
    bindings: { 3: uses, 12: bound },
    count: routing.topK,
    ...(part !== null && { pool: part.buffer }),
  });
}

function boundUniform(
  gpu: Gpu,
  { firstSlot, slotCount }: Bank,
  part: PoolPart | null,
): GPUBuffer {
  const buffer = gpu.device.createBuffer({
    label: "bound slots and experts",
    size: 32,
    usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  });
  // Must be kept in sync with `Bound` in kernels/lib/pick_use.wgsl.
  const { firstExpert, count, index } = part ??
    { firstExpert: 0, count: 0xffffffff, index: 0 };
  const words = [firstSlot, slotCount, firstExpert, count, index, 0, 0, 0];
  gpu.device.queue.writeBuffer(buffer, 0, Uint32Array.from(words));
  return buffer;
}
