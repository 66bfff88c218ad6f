/** Matrix x vector: y (+)= W x for one row of x. */

import type { Gpu } from "../gpu/device.ts";
import type { Constants, KernelSource } from "../gpu/kernel.ts";
import inputs4 from "../../kernels/lib/inputs_4.wgsl" with { type: "text" };
import matvecStripCode from "../../kernels/matvec_strip.wgsl" with {
  type: "text",
};
import matvecCode from "../../kernels/matvec.wgsl" with { type: "text" };
import { matvecAxis1 } from "./axis1.ts";
import { inputReading, type Norm } from "./input.ts";
import type { Matrix, MatrixLayout } from "./matrix.ts";
import { kernelOp, type Op, reduction, type Rows, spread } from "./op.ts";
import { costOf, type WeightPick } from "./pick.ts";
import { type StripReading, stripReading } from "./strip.ts";

/** Options for {@linkcode matvec}. */
export interface MatvecOptions {
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
   * The norm that x gets on the way.
   *
   * @default {undefined} none
   */
  readonly norm?: Norm | undefined;
  /**
   * Whether y has {@linkcode partCount} rows for each row, to be summed.
   *
   * @default {false}
   */
  readonly hasParts?: boolean;
}

/**
 * Makes a matrix x vector product for each pick: `matvec_strip.wgsl` where the GPU
 * and the matrix are made for it, else `matvec.wgsl`, or `matvec_axis1.wgsl`.
 *
 * @param gpu The GPU.
 * @param options The matrix, the rows and the pick.
 * @returns The op, for one token.
 */
export function matvec(gpu: Gpu, options: MatvecOptions): Promise<Op> {
  const { layout } = options.matrix;
  const { hasParts = false } = options;
  const fills = options.pick.misses !== undefined;
  const wanted = { layout, hasParts, matrixCount: 1, fills };
  const reading = stripReading(gpu, wanted);
  if (reading !== null) return matvecStrip(gpu, options, reading);
  return layout.scheme.type === "HQQ" && layout.scheme.axis === 1
    ? matvecAxis1(gpu, { ...options, into: options.add ? "add" : "write" })
    : matvecAny(gpu, options);
}

/**
 * Tells how the product with a matrix of the trunk reads it in strips.
 *
 * @param gpu The GPU.
 * @param layout How the matrix lies.
 * @returns How; `null` if it does not.
 */
export function matrixStrips(
  gpu: Gpu,
  layout: MatrixLayout,
): StripReading | null {
  const wanted = { layout, hasParts: false, matrixCount: 1, fills: false };
  return stripReading(gpu, wanted);
}

/**
 * Tells how many rows of y {@linkcode matvec} writes for a row, with parts.
 *
 * @param gpu The GPU.
 * @param layout How the matrix lies.
 * @returns How many; 1 where inputs are not cut.
 */
export function partCount(gpu: Gpu, layout: MatrixLayout): number {
  const wanted = { layout, hasParts: true, matrixCount: 1, fills: false };
  return stripReading(gpu, wanted)?.partCount ?? 1;
}

function matvecStrip(
  gpu: Gpu,
  { matrix, x, y, add, pick, norm }: MatvecOptions,
  { sources, constants, workgroupCount, partCount }: StripReading,
): Promise<Op> {
  const input = inputReading(norm);
  return kernelOp(gpu, {
    sources: [
      ...sources,
      input.source,
      ...pick.sources,
      ...(pick.misses ? [pick.misses.source] : []),
      { name: "matvec_strip.wgsl", code: matvecStripCode },
    ],
    constants: {
      ...constants,
      ...input.constants,
      ...pick.constants,
      ...pick.misses?.constants,
      PARTS: partCount,
      X_STRIDE: x.stride,
      Y_STRIDE: y.stride,
      ADD: Number(add),
    },
    bindings: {
      0: matrix.buffer,
      1: x.buffer,
      2: y.buffer,
      ...input.bindings,
      ...pick.bindings,
      ...pick.misses?.bindings,
    },
    workgroups: () => [workgroupCount, partCount, pick.count],
    cost: costOf(pick, matrix.layout),
  });
}

function matvecAny(
  gpu: Gpu,
  { matrix: { buffer, layout }, x, y, add, pick, norm }: MatvecOptions,
): Promise<Op> {
  const reading = matrixReading(gpu, layout);
  const input = inputReading(norm);
  const grid = spread(layout.G * Math.ceil(layout.P / 4), pick.count);
  return kernelOp(gpu, {
    sources: [
      ...reading.sources,
      input.source,
      ...pick.sources,
      { name: "matvec.wgsl", code: matvecCode },
    ],
    constants: {
      ...reading.constants,
      ...input.constants,
      ...pick.constants,
      X_STRIDE: x.stride,
      Y_STRIDE: y.stride,
      ADD: Number(add),
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

/** How a kernel reads any matrix, 4 inputs at a time, and sums. */
export interface MatrixReading {
  /** The files that do so. */
  readonly sources: readonly KernelSource[];
  /** Their constants, WG among them. */
  readonly constants: Constants;
}

/**
 * Picks how a product reads a matrix 4 inputs at a time and sums.
 *
 * @param gpu The GPU.
 * @param layout How the matrix lies.
 * @returns What the kernel needs.
 */
export function matrixReading(gpu: Gpu, layout: MatrixLayout): MatrixReading {
  const { source, constants } = reduction(gpu, Math.ceil(layout.K / 32));
  return {
    sources: [
      ...layout.sources,
      { name: "lib/inputs_4.wgsl", code: inputs4 },
      source,
    ],
    constants: { ...layout.constants, ...constants },
  };
}
