/** Matrix x vector for HQQ along axis 1, where inputs share scale and zero. */

import type { Gpu } from "../gpu/device.ts";
import matvecAxis1Code from "../../kernels/matvec_axis1.wgsl" with {
  type: "text",
};
import { inputReading } from "./input.ts";
import type { MatvecOptions } from "./matvec.ts";
import { costOf } from "./pick.ts";
import { kernelOp, type Op, reduction, spread } from "./op.ts";

/** What happens to y, as `INTO` in `matvec_axis1.wgsl`. */
const INTO = { write: 0, add: 1, gate: 2 } as const;

/** Options for {@linkcode matvecAxis1}. */
export interface Axis1Options extends Omit<MatvecOptions, "add"> {
  /** Whether y becomes W x, y + W x or silu(y) * W x. */
  readonly into: keyof typeof INTO;
}

/**
 * Makes a matrix x vector product for each pick: `matvec_axis1.wgsl`.
 *
 * @param gpu The GPU.
 * @param options The matrix, the rows and the pick.
 * @returns The op, for one token.
 */
export function matvecAxis1(gpu: Gpu, options: Axis1Options): Promise<Op> {
  const { matrix: { buffer, layout }, x, y, into, pick, norm } = options;
  const input = inputReading(norm);
  const { source, constants } = reduction(gpu, Math.ceil(layout.K / 16));
  const grid = spread(layout.P, pick.count);
  return kernelOp(gpu, {
    sources: [
      ...layout.sources,
      source,
      input.source,
      ...pick.sources,
      { name: "matvec_axis1.wgsl", code: matvecAxis1Code },
    ],
    constants: {
      ...layout.constants,
      ...constants,
      ...input.constants,
      ...pick.constants,
      X_STRIDE: x.stride,
      Y_STRIDE: y.stride,
      INTO: INTO[into],
    },
    bindings: {
      0: buffer,
      1: x.buffer,
      2: y.buffer,
      ...input.bindings,
      ...pick.bindings,
    },
    workgroups: () => grid,
    cost: costOf(pick, layout),
  });
}
