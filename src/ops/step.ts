/** What changes from one submit to the next. */

import type { Gpu } from "../gpu/device.ts";
import type { KernelSource } from "../gpu/kernel.ts";
import stepCode from "../../kernels/lib/step.wgsl" with { type: "text" };

/** Declares `step` in a kernel. */
export const STEP_SOURCE: KernelSource = {
  name: "lib/step.wgsl",
  code: stepCode,
};

/** The binding number of `step`. */
export const STEP_BINDING = 9;

/** The tokens of a step and where they stand, on the GPU. */
export interface StepBuffers {
  /** The uniform of `lib/step.wgsl`. */
  readonly step: GPUBuffer;
  /** The token ids (T) u32. */
  readonly tokens: GPUBuffer;
}

/**
 * Makes the buffers of a step.
 *
 * @param gpu The GPU.
 * @param tokenLimit The most tokens of one step.
 * @returns The buffers.
 */
export function makeStepBuffers(gpu: Gpu, tokenLimit: number): StepBuffers {
  return {
    step: gpu.device.createBuffer({
      label: "step",
      size: 16,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    }),
    tokens: gpu.storageBuffer("tokens", tokenLimit * 4),
  };
}

/** What the host says about a step. */
export interface Step {
  /** The token ids (T). */
  readonly tokens: readonly number[];
  /** Position of the first of them. */
  readonly position: number;
  /** The rows from this one on get logits. */
  readonly firstRow: number;
}

/**
 * Writes a step; it takes effect with the next submit.
 *
 * @param gpu The GPU.
 * @param buffers Where to.
 * @param step What to write.
 */
export function writeStep(gpu: Gpu, buffers: StepBuffers, step: Step): void {
  const { queue } = gpu.device;
  // Must be kept in sync with `Step` in kernels/lib/step.wgsl.
  queue.writeBuffer(
    buffers.step,
    0,
    Uint32Array.of(step.tokens.length, step.position, step.firstRow, 0),
  );
  queue.writeBuffer(buffers.tokens, 0, Uint32Array.from(step.tokens));
}
