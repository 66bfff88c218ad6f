/** Slots and experts of a layer that lie in a buffer, and how kernels are told which. */

import type { Gpu } from "../gpu/device.ts";
import type { KernelSource } from "../gpu/kernel.ts";
import boundCode from "../../kernels/lib/bound.wgsl" with { type: "text" };

/** Declares what {@linkcode boundUniform} makes. */
export const BOUND: KernelSource = {
  name: "lib/bound.wgsl",
  code: boundCode,
};

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

/**
 * Makes the uniform that says which slots and experts a kernel has bound.
 *
 * @param gpu The GPU.
 * @param bank The slots.
 * @param part The experts; `null` for all.
 * @returns The uniform.
 */
export function boundUniform(
  gpu: Gpu,
  { firstSlot, slotCount }: Omit<Bank, "buffer">,
  part: PoolPart | null,
): GPUBuffer {
  const buffer = gpu.memory.allocate({
    label: "bound slots and experts",
    size: 32,
    usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  });
  // Must be kept in sync with `Bound` in kernels/lib/bound.wgsl.
  const { firstExpert, count, index } = part ??
    { firstExpert: 0, count: 0xffffffff, index: 0 };
  const words = [firstSlot, slotCount, firstExpert, count, index, 0, 0, 0];
  gpu.device.queue.writeBuffer(buffer, 0, Uint32Array.from(words));
  return buffer;
}
