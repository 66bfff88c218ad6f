/** What changes from one step to the next. */

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
  /** Steps that were written ahead, {@linkcode STEP_BYTE_LENGTH} each. */
  readonly ahead: GPUBuffer;
}

/** Bytes of a step's uniform. */
export const STEP_BYTE_LENGTH = 16;

/** The most steps of one token each that are written ahead. */
export const AHEAD_LIMIT = 8;

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
      size: STEP_BYTE_LENGTH,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    }),
    tokens: gpu.storageBuffer("tokens", tokenLimit * 4),
    ahead: gpu.device.createBuffer({
      label: "steps ahead",
      size: AHEAD_LIMIT * STEP_BYTE_LENGTH,
      usage: GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    }),
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
export function writeStep(
  gpu: Gpu,
  buffers: Pick<StepBuffers, "step" | "tokens">,
  step: Step,
): void {
  const { queue } = gpu.device;
  queue.writeBuffer(buffers.step, 0, Uint32Array.from(wordsOf(step)));
  queue.writeBuffer(buffers.tokens, 0, Uint32Array.from(step.tokens));
}

/**
 * Writes the steps of a token and of those that the GPU picks after it; each is
 * yet to be copied from `ahead` to `step`. It takes effect with the next submit.
 *
 * @param gpu The GPU.
 * @param buffers Where to.
 * @param first The token, its position, and how many steps to write, at most
 * {@linkcode AHEAD_LIMIT}.
 */
export function writeStepsAhead(
  gpu: Gpu,
  buffers: StepBuffers,
  { token, position, count }: {
    readonly token: number;
    readonly position: number;
    readonly count: number;
  },
): void {
  const { queue } = gpu.device;
  const steps = Array.from({ length: count }, (_, index) =>
    wordsOf({
      tokens: [token],
      position: position + index,
      firstRow: 0,
      index,
    }));
  queue.writeBuffer(buffers.ahead, 0, Uint32Array.from(steps.flat()));
  queue.writeBuffer(buffers.tokens, 0, Uint32Array.of(token));
}

/** Must be kept in sync with `Step` in kernels/lib/step.wgsl. */
function wordsOf(
  { tokens, position, firstRow, index = 0 }: Step & { index?: number },
): number[] {
  return [tokens.length, position, firstRow, index];
}
