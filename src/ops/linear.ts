/** Matrix x vector and matrix x matrix: y (+)= W x. */

import type { Gpu } from "../gpu/device.ts";
import type { Constants, KernelSource } from "../gpu/kernel.ts";
import matmulTiles from "../../kernels/lib/matmul_tiles.wgsl" with {
  type: "text",
};
import matmulCode from "../../kernels/matmul.wgsl" with { type: "text" };
import matvecCode from "../../kernels/matvec.wgsl" with { type: "text" };
import pickOne from "../../kernels/lib/pick_one.wgsl" with { type: "text" };
import inputs16 from "../../kernels/lib/inputs_16.wgsl" with { type: "text" };
import inputs4 from "../../kernels/lib/inputs_4.wgsl" with { type: "text" };
import rowsAll from "../../kernels/lib/rows_all.wgsl" with { type: "text" };
import { matvecAxis1 } from "./axis1.ts";
import type { MatrixLayout } from "./matrix.ts";
import { kernelOp, NO_REDUCTION, type Op, reduction, type Rows } from "./op.ts";
import { STEP_BINDING, STEP_SOURCE } from "./step.ts";

/** A matrix on the GPU. */
export interface Matrix {
  /** Where it lies. */
  readonly buffer: GPUBuffer;
  /** How. */
  readonly layout: MatrixLayout;
}

/** As in `lib/matmul_tiles.wgsl`. */
const TILE_ROWS = 32;

/** Options for {@linkcode linear}. */
export interface LinearOptions {
  /** The matrix W (N, K). */
  readonly matrix: Matrix;
  /** The rows of x (T, K). */
  readonly x: Rows;
  /** The rows of y (T, N). */
  readonly y: Rows;
  /** The uniform of the step. */
  readonly step: GPUBuffer;
  /**
   * Whether to add to y instead of writing it.
   *
   * @default {false}
   */
  readonly add?: boolean;
}

/** Which weights and rows a matvec works on: a `lib/pick_*.wgsl` and its needs. */
export interface Pick {
  /** Defines `weights_at`, `x_row` and `y_row`. */
  readonly source: KernelSource;
  /** Its constants. */
  readonly constants: Readonly<Record<string, number>>;
  /** Its bindings. */
  readonly bindings: Readonly<Record<number, GPUBuffer>>;
  /** How many rows of y there are. */
  readonly count: number;
}

/**
 * Makes y (+)= W x, for one row or many.
 *
 * One token takes `matvec.wgsl`, more take `matmul.wgsl`.
 *
 * @param gpu The GPU.
 * @param options The matrix and the rows.
 * @returns The op.
 */
export async function linear(gpu: Gpu, options: LinearOptions): Promise<Op> {
  const { matrix, x, y, step, add = false } = options;
  const io = { matrix, x, y, add };
  const one = await matvec(gpu, {
    ...io,
    pick: {
      source: { name: "lib/pick_one.wgsl", code: pickOne },
      constants: {},
      bindings: {},
      count: 1,
    },
  });
  const many = await matmul(gpu, {
    ...io,
    pick: {
      source: { name: "lib/rows_all.wgsl", code: rowsAll },
      constants: {},
      bindings: { [STEP_BINDING]: step },
      count: 1,
    },
  });
  return byTokenCount(one, many);
}

/**
 * Makes an op that takes one way for one token and another for more.
 *
 * @param one For one token: decode.
 * @param many For more: prefill.
 * @returns The op.
 */
export function byTokenCount(one: Op, many: Op): Op {
  return {
    name: one.name,
    encode(pass, tokenCount) {
      (tokenCount === 1 ? one : many).encode(pass, tokenCount);
    },
  };
}

/** Options for {@linkcode matvec} and {@linkcode matmul}. */
export interface ProductOptions {
  /** The matrix, or all experts' matrices. */
  readonly matrix: Matrix;
  /** The rows of x. */
  readonly x: Rows;
  /** The rows of y. */
  readonly y: Rows;
  /** Whether to add to y. */
  readonly add: boolean;
  /** Which weights go with which rows. */
  readonly pick: Pick;
}

/**
 * Makes a matrix x vector product for each pick: `matvec.wgsl`.
 *
 * @param gpu The GPU.
 * @param options The matrix, the rows and the pick.
 * @returns The op, for one token.
 */
export function matvec(gpu: Gpu, options: ProductOptions): Promise<Op> {
  const { matrix: { buffer, layout }, x, y, add, pick } = options;
  if (layout.scheme.type === "HQQ" && layout.scheme.axis === 1) {
    return matvecAxis1(gpu, { ...options, into: add ? "add" : "write" });
  }
  const reading = matvecReading(gpu, { buffer, layout });
  const grid = spread(layout.G * Math.ceil(layout.P / 4), pick.count);
  return kernelOp(gpu, {
    sources: [
      ...reading.sources,
      pick.source,
      { name: "matvec.wgsl", code: matvecCode },
    ],
    constants: {
      ...reading.constants,
      ...pick.constants,
      X_STRIDE: x.stride,
      Y_STRIDE: y.stride,
      ADD: Number(add),
    },
    bindings: {
      ...reading.bindings,
      1: x.buffer,
      2: y.buffer,
      ...pick.bindings,
    },
    workgroups: () => grid,
  });
}

/** How a kernel reads a matrix and sums over its workgroup. */
export interface Reading {
  /** The files that do so. */
  readonly sources: readonly KernelSource[];
  /** Their constants, WG among them. */
  readonly constants: Constants;
  /** The matrix, where they want it. */
  readonly bindings: Readonly<Record<number, GPUBuffer>>;
}

/**
 * Picks how a matrix x vector product reads its weights and sums: 16 inputs at a
 * time where codes lie right for it and the GPU gains by it, else 4.
 *
 * @param gpu The GPU.
 * @param matrix The matrix.
 * @returns What the kernel needs.
 */
export function matvecReading(
  gpu: Gpu,
  { buffer, layout }: Matrix,
): Reading {
  const { K, scheme, metaCount, codesPerWord } = layout;
  const isWide = gpu.hasWideWorkgroups && scheme.type === "HQQ" &&
    scheme.scaleGroupSize !== null && codesPerWord !== 10 && K % 16 === 0 &&
    metaCount % 4 === 0;
  const { source, constants } = reduction(
    gpu,
    Math.ceil(K / (isWide ? 64 : 32)),
  );
  const inputs = isWide
    ? { name: "lib/inputs_16.wgsl", code: inputs16 }
    : { name: "lib/inputs_4.wgsl", code: inputs4 };
  return {
    sources: [...layout.sources, inputs, source],
    constants: { ...layout.constants, ...constants },
    bindings: isWide ? { 0: buffer, 8: buffer } : { 0: buffer },
  };
}

/**
 * Makes a matrix x matrix product for each pick: `matmul.wgsl`.
 *
 * @param gpu The GPU.
 * @param options The matrix, the rows and the pick.
 * @returns The op, for any number of tokens.
 */
export function matmul(gpu: Gpu, options: ProductOptions): Promise<Op> {
  const { matrix: { buffer, layout }, x, y, add, pick } = options;
  const tilePacked = Math.floor(64 / layout.codesPerWord);
  const tiles = Math.ceil(layout.P * layout.G / tilePacked);
  const needsStep = pick.bindings[STEP_BINDING] !== undefined;
  return kernelOp(gpu, {
    sources: [
      ...(needsStep ? [STEP_SOURCE] : []),
      ...layout.sources,
      pick.source,
      NO_REDUCTION,
      { name: "lib/matmul_tiles.wgsl", code: matmulTiles },
      { name: "matmul.wgsl", code: matmulCode },
    ],
    constants: {
      ...layout.constants,
      ...pick.constants,
      X_STRIDE: x.stride,
      Y_STRIDE: y.stride,
      ADD: Number(add),
    },
    bindings: { 0: buffer, 1: x.buffer, 2: y.buffer, ...pick.bindings },
    workgroups: (
      tokenCount,
    ) => [tiles, Math.ceil(tokenCount / TILE_ROWS), pick.count],
  });
}

/**
 * Spreads workgroups over x and y: a dimension holds at most 65,535.
 *
 * @param count How many workgroups; a few more may run.
 * @param z How many of these.
 * @returns Workgroups in x, y and z.
 */
export function spread(
  count: number,
  z: number,
): readonly [number, number, number] {
  const y = Math.ceil(count / 65_535);
  return [Math.ceil(count / y), y, z];
}
