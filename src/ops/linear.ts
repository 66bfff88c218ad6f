/** Products with a matrix, for one row of x or many: y (+)= W x. */

import type { Gpu } from "../gpu/device.ts";
import pickOne from "../../kernels/lib/pick_one.wgsl" with { type: "text" };
import rowsAll from "../../kernels/lib/rows_all.wgsl" with { type: "text" };
import type { NormedInput } from "./input.ts";
import type { Matrix } from "./matrix.ts";
import { matmul } from "./matmul.ts";
import { matvec } from "./matvec.ts";
import type { WeightPick } from "./pick.ts";
import { byTokenCount, type Op, type Rows } from "./op.ts";
import { STEP_BINDING } from "./step.ts";

/** One matrix, one row of x. */
export const PICK_ONE: WeightPick = {
  sources: [{ name: "lib/pick_one.wgsl", code: pickOne }],
  constants: {},
  bindings: {},
  count: 1,
};

/**
 * Picks one matrix for all rows of x.
 *
 * @param step The uniform of the step, which says how many there are.
 * @returns Which weights go with which rows.
 */
export function pickAllRows(step: GPUBuffer): WeightPick {
  return {
    sources: [{ name: "lib/rows_all.wgsl", code: rowsAll }],
    constants: {},
    bindings: { [STEP_BINDING]: step },
    count: 1,
  };
}

/** Options for {@linkcode linear}. */
export interface LinearOptions {
  /** The matrix W (N, K). */
  readonly matrix: Matrix;
  /** The rows of x (T, K). */
  readonly x: Rows;
  /** The rows of y (T, N). */
  readonly y: Rows;
  /**
   * Where y of a single token goes.
   *
   * @default {y}
   */
  readonly oneY?: Rows | undefined;
  /** The uniform of the step. */
  readonly step: GPUBuffer;
  /**
   * Whether to add to y instead of writing it.
   *
   * @default {false}
   */
  readonly add?: boolean;
  /**
   * What x is the norm of: a single token takes that and computes the norm on the
   * way, so that nobody need compute x.
   *
   * @default {undefined} x is there
   */
  readonly beforeNorm?: NormedInput | undefined;
}

/**
 * Makes y (+)= W x, for one row or many.
 *
 * One token takes a product with a vector, more take `matmul.wgsl`.
 *
 * @param gpu The GPU.
 * @param options The matrix and the rows.
 * @returns The op.
 */
export async function linear(gpu: Gpu, options: LinearOptions): Promise<Op> {
  const { matrix, x, y, oneY = y, step, add = false, beforeNorm } = options;
  const one = await matvec(gpu, {
    matrix,
    add,
    y: oneY,
    x: beforeNorm?.x ?? x,
    norm: beforeNorm?.norm,
    pick: PICK_ONE,
  });
  const many = await matmul(gpu, {
    matrix,
    add,
    x,
    y,
    pick: pickAllRows(step),
  });
  return byTokenCount(one, many);
}
