/** The most probable token, picked where the logits are. */

import type { Gpu } from "../gpu/device.ts";
import argmaxCode from "../../kernels/argmax.wgsl" with { type: "text" };
import { kernelOp, type Op, type Rows } from "./op.ts";
import { STEP_BINDING, STEP_SOURCE, type StepBuffers } from "./step.ts";

/** What is picked where the logits hold NaN or infinity. */
export const NO_PICK = 0xffff_ffff; // must be kept in sync with kernels/argmax.wgsl

/** Options for {@linkcode argmax}. */
export interface ArgmaxOptions {
  /** The logits of the step: row 0 (vocabSize). */
  readonly logits: Rows;
  /** How many logits there are. */
  readonly vocabSize: number;
  /** Gets the id at `step.index`, or {@linkcode NO_PICK}. */
  readonly picked: GPUBuffer;
  /** The buffers of the step; the id becomes the first token of the next one. */
  readonly step: StepBuffers;
}

/**
 * Makes the op that picks the largest logit, the lowest id among equals.
 *
 * @param gpu The GPU.
 * @param options The logits, and where the id goes.
 * @returns The op, for a single token.
 */
export function argmax(gpu: Gpu, options: ArgmaxOptions): Promise<Op> {
  const { logits, vocabSize, picked, step } = options;
  return kernelOp(gpu, {
    sources: [STEP_SOURCE, { name: "argmax.wgsl", code: argmaxCode }],
    constants: { WG: argmaxWorkgroupSize(gpu, vocabSize), N: vocabSize },
    bindings: {
      0: logits.buffer,
      1: picked,
      2: step.tokens,
      [STEP_BINDING]: step.step,
    },
    workgroups: () => [1],
    cost: () => ({ byteLength: 4 * vocabSize }),
  });
}

/**
 * Says how many invocations look: one for a vec4, as far as that goes.
 *
 * @param gpu The GPU.
 * @param vocabSize How many logits there are.
 * @returns How many.
 */
export function argmaxWorkgroupSize(gpu: Gpu, vocabSize: number): number {
  const { limits } = gpu.device;
  return Math.min(
    Math.ceil(vocabSize / 4 / 32) * 32,
    gpu.tuning.argmaxInvocations,
    limits.maxComputeInvocationsPerWorkgroup,
    limits.maxComputeWorkgroupSizeX,
  );
}
