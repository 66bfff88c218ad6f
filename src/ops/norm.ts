/** RMSNorm: y = weight * x / rms(x). */

import type { Gpu } from "../gpu/device.ts";
import rmsnormCode from "../../kernels/rmsnorm.wgsl" with { type: "text" };
import { kernelOp, type Op, reduction, type Rows } from "./op.ts";
import { STEP_BINDING, STEP_SOURCE } from "./step.ts";

/** Options for {@linkcode rmsNorm}. */
export interface RmsNormOptions {
  /** The rows of x (T, K). */
  readonly x: Rows;
  /** The weight (K) f32, padded with zeros to the stride. */
  readonly weight: GPUBuffer;
  /** The rows of y (T, K). */
  readonly y: Rows;
  /** How wide a row is: K. */
  readonly width: number;
  /** Added to the mean square. */
  readonly epsilon: number;
  /** The uniform of the step. */
  readonly step: GPUBuffer;
  /**
   * Whether rows `step.firstRow...` go to rows 0... of y; else all rows.
   *
   * @default {false}
   */
  readonly fromFirstRow?: boolean;
}

/**
 * Makes y = weight * x / rms(x).
 *
 * @param gpu The GPU.
 * @param options The rows and the weight.
 * @returns The op; its token count is the number of rows of y.
 */
export function rmsNorm(gpu: Gpu, options: RmsNormOptions): Promise<Op> {
  const { x, weight, y, width, epsilon, step, fromFirstRow = false } = options;
  const { source, constants } = reduction(gpu, x.stride / 4);
  return kernelOp(gpu, {
    sources: [STEP_SOURCE, source, { name: "rmsnorm.wgsl", code: rmsnormCode }],
    constants: {
      ...constants,
      K: width,
      STRIDE: x.stride,
      EPSILON: epsilon,
      FROM_FIRST: Number(fromFirstRow),
    },
    bindings: { 0: x.buffer, 1: weight, 2: y.buffer, [STEP_BINDING]: step },
    workgroups: (rowCount) => [rowCount],
  });
}
