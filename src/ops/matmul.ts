/** Matrix x matrix: Y (+)= X W^T for many rows of x. */

import type { Gpu } from "../gpu/device.ts";
import matmulTiles from "../../kernels/lib/matmul_tiles.wgsl" with {
  type: "text",
};
import matmulParts from "../../kernels/lib/matmul_parts.wgsl" with {
  type: "text",
};
import matmulWideCode from "../../kernels/matmul_wide.wgsl" with {
  type: "text",
};
import matmulCode from "../../kernels/matmul.wgsl" with { type: "text" };
import type { Matrix } from "./matrix.ts";
import { costOf, type Pick } from "./matvec.ts";
import { kernelOp, NO_REDUCTION, type Op, type Rows } from "./op.ts";
import { STEP_BINDING, STEP_SOURCE } from "./step.ts";

/** Rows of x in a tile: of `lib/matmul_tiles.wgsl` and `lib/matmul_parts.wgsl`. */
const TILE_ROWS = { narrow: 32, wide: 64 };

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
  readonly pick: Pick;
}

/**
 * Makes a matrix x matrix product for each pick: `matmul_wide.wgsl` on a GPU,
 * `matmul.wgsl` on the CPU.
 *
 * @param gpu The GPU.
 * @param options The matrix, the rows and the pick.
 * @returns The op, for any number of tokens.
 */
export function matmul(gpu: Gpu, options: MatmulOptions): Promise<Op> {
  const { matrix: { buffer, layout }, x, y, add, pick } = options;
  const tilePacked = Math.floor(64 / layout.codesPerWord);
  const tiles = Math.ceil(layout.P * layout.G / tilePacked);
  const kernel = gpu.hasWideWorkgroups
    ? {
      rows: TILE_ROWS.wide,
      sources: [
        { name: "lib/matmul_parts.wgsl", code: matmulParts },
        { name: "matmul_wide.wgsl", code: matmulWideCode },
      ],
      constants: { QUADS: Math.ceil(layout.K / 4) },
    }
    : {
      rows: TILE_ROWS.narrow,
      sources: [
        { name: "lib/matmul_tiles.wgsl", code: matmulTiles },
        { name: "matmul.wgsl", code: matmulCode },
      ],
      constants: {},
    };
  const needsStep = pick.bindings[STEP_BINDING] !== undefined;
  return kernelOp(gpu, {
    sources: [
      ...(needsStep ? [STEP_SOURCE] : []),
      ...layout.sources,
      ...pick.sources,
      NO_REDUCTION,
      ...kernel.sources,
    ],
    constants: {
      ...layout.constants,
      ...kernel.constants,
      ...pick.constants,
      X_STRIDE: x.stride,
      Y_STRIDE: y.stride,
      ADD: Number(add),
    },
    bindings: { 0: buffer, 1: x.buffer, 2: y.buffer, ...pick.bindings },
    workgroups: (
      tokenCount,
    ) => [tiles, Math.ceil(tokenCount / kernel.rows), pick.count],
    cost: costOf(pick, layout),
  });
}
