/** Matrix x matrix: Y (+)= X W^T for many rows of x. */

import type { Gpu } from "../gpu/device.ts";
import {
  fewWay,
  isForFew,
  type MatmulWay,
  narrowWay,
  wideWay,
} from "./matmul_ways.ts";
import type { Matrix } from "./matrix.ts";
import { costOf, type WeightPick } from "./pick.ts";
import { choice, kernelOp, type Op, type Rows } from "./op.ts";
import { STEP_BINDING, STEP_SOURCE } from "./step.ts";

/** Options for {@linkcode matmul}. */
export interface MatmulOptions {
  /** The matrix, or all experts' matrices. */
  readonly matrix: Matrix;
  /** The rows of x. */
  readonly x: Rows;
  /** The rows of y. */
  readonly y: Rows;
  /** Whether to add to y. */
  readonly add: boolean;
  /** Which weights go with which rows. */
  readonly pick: WeightPick;
  /**
   * How rows are shared, which decides between kernels.
   *
   * @default {Share} all rows for one pick
   */
  readonly share?: Share;
}

/**
 * How rows of x are shared by picks. It says the same of an expert by itself as of
 * all in one dispatch: whichever runs, bits must be the same.
 */
export interface Share {
  /** Rows of x that a pick gets for a token, on average. */
  readonly rowsPerToken: number;
  /** How many picks there are. */
  readonly pickCount: number;
}

/**
 * Makes a matrix x matrix product for each pick: on a GPU `matmul_wide.wgsl`, or
 * `matmul_few.wgsl` where that is faster, on the CPU `matmul.wgsl`.
 *
 * @param gpu The GPU.
 * @param options The matrix, the rows and the pick.
 * @returns The op, for any number of tokens.
 */
export async function matmul(gpu: Gpu, options: MatmulOptions): Promise<Op> {
  const { matrix: { layout }, share = { rowsPerToken: 1, pickCount: 1 } } =
    options;
  if (!gpu.hasWideWorkgroups) {
    return await matmulBy(gpu, options, narrowWay(layout));
  }
  const wide = wideWay(layout);
  const few = fewWay(layout);
  const many = await matmulBy(gpu, options, wide);
  if (few === null) return many;
  return byRowCount(await matmulBy(gpu, options, few), many, { wide, share });
}

/**
 * Makes an op that takes one way for few rows and another for many.
 *
 * @param few For few.
 * @param many For many.
 * @param options What {@linkcode isForFew} needs.
 * @returns The op.
 */
export function byRowCount(
  few: Op,
  many: Op,
  { wide, share: { rowsPerToken, pickCount } }: {
    wide: MatmulWay;
    share: Share;
  },
): Op {
  return choice(
    many.name,
    (tokenCount) =>
      isForFew(wide, { rowCount: tokenCount * rowsPerToken, pickCount })
        ? few
        : many,
  );
}

/**
 * Makes the product in a given way.
 *
 * @param gpu The GPU.
 * @param options The matrix, the rows and the pick.
 * @param way The kernel.
 * @returns The op, for any number of tokens.
 */
export function matmulBy(
  gpu: Gpu,
  { matrix, x, y, add, pick }: MatmulOptions,
  way: MatmulWay,
): Promise<Op> {
  const { layout } = matrix;
  const isGated = way.constants["MATRIX3_AT"] !== undefined;
  const needsStep = pick.bindings[STEP_BINDING] !== undefined;
  return kernelOp(gpu, {
    sources: [
      ...(needsStep ? [STEP_SOURCE] : []),
      ...pick.sources,
      ...way.sources,
    ],
    constants: {
      ...way.constants,
      ...pick.constants,
      X_STRIDE: x.stride,
      Y_STRIDE: y.stride,
      // What is gated is never added.
      ...!isGated && { ADD: Number(add) },
    },
    bindings: { 0: matrix.buffer, 1: x.buffer, 2: y.buffer, ...pick.bindings },
    workgroups: (
      tokenCount,
    ) => [way.tiles, Math.ceil(tokenCount / way.rows), pick.count],
    cost: costOf(pick, ...isGated ? [layout, layout] : [layout]),
  });
}
