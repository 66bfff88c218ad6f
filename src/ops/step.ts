/** What changes from one step to the next. */

import type { Gpu } from "../gpu/device.ts";
import type { KernelSource } from "../gpu/kernel.ts";
import type { Recorder } from "../gpu/recorder.ts";
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
  /** Steps that were written ahead, then the token of each, if it is told. */
  readonly ahead: GPUBuffer;
}

/** The most steps of one token each that are written ahead. */
export const AHEAD_LIMIT = 24;

/** Bytes of a step's uniform. */
const STEP_BYTE_LENGTH = 16;
/** Where in `ahead` the tokens begin. */
const TOKENS_AT = AHEAD_LIMIT * STEP_BYTE_LENGTH;

/**
 * Makes the buffers of a step.
 *
 * @param gpu The GPU.
 * @param tokenLimit The most tokens of one step.
 * @returns The buffers.
 */
export function makeStepBuffers(gpu: Gpu, tokenLimit: number): StepBuffers {
  return {
    step: gpu.memory.allocate({
      label: "step",
      size: STEP_BYTE_LENGTH,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    }),
    tokens: gpu.storageBuffer("tokens", tokenLimit * 4),
    ahead: gpu.memory.allocate({
      label: "steps ahead",
      size: TOKENS_AT + AHEAD_LIMIT * 4,
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

/** What the host says about steps of one token each. */
export interface StepsAhead {
  /** The first token. */
  readonly token: number;
  /** Where it stands. */
  readonly position: number;
  /** How many steps there are, at most {@linkcode AHEAD_LIMIT}. */
  readonly count: number;
  /**
   * The tokens after it.
   *
   * @default {undefined} what the GPU picks
   */
  readonly told?: readonly number[] | undefined;
}

/**
 * Writes some steps of one token each; {@linkcode beginStepAhead} makes them count.
 * It takes effect with the next submit.
 *
 * @param gpu The GPU.
 * @param buffers Where to.
 * @param steps What to write.
 */
export function writeStepsAhead(
  gpu: Gpu,
  buffers: StepBuffers,
  { token, position, count, told = [] }: StepsAhead,
): void {
  const { queue } = gpu.device;
  const words = new Uint32Array(buffers.ahead.size / 4);
  for (let index = 0; index < count; index++) {
    const step = { tokens: [token], position: position + index, firstRow: 0 };
    words.set(wordsOf({ ...step, index }), index * STEP_BYTE_LENGTH / 4);
  }
  words.set([token, ...told].slice(0, count), TOKENS_AT / 4);
  queue.writeBuffer(buffers.ahead, 0, words);
  queue.writeBuffer(buffers.tokens, 0, Uint32Array.of(token));
}

/**
 * Records the beginning of a step that was written ahead.
 *
 * @param recorder Where to.
 * @param buffers The buffers of the step.
 * @param which Its index, and whether its token is told, not picked.
 */
export function beginStepAhead(
  recorder: Recorder,
  { step, tokens, ahead }: StepBuffers,
  { index, isTold }: { readonly index: number; readonly isTold: boolean },
): void {
  const byteLength = STEP_BYTE_LENGTH;
  recorder.copy(ahead, step, { byteOffset: index * byteLength, byteLength });
  if (!isTold) return;
  recorder.copy(ahead, tokens, {
    byteOffset: TOKENS_AT + index * 4,
    byteLength: 4,
  });
}

/** Must be kept in sync with `Step` in kernels/lib/step.wgsl. */
function wordsOf(
  { tokens, position, firstRow, index = 0 }: Step & { index?: number },
): number[] {
  return [tokens.length, position, firstRow, index];
}
