/** The kernels that multiply many rows by a matrix: files, constants, tiles. */

import type { Constants, KernelSource } from "../gpu/kernel.ts";
import fewU2 from "../../kernels/lib/few_u2.wgsl" with { type: "text" };
import fewU4 from "../../kernels/lib/few_u4.wgsl" with { type: "text" };
import fewU8 from "../../kernels/lib/few_u8.wgsl" with { type: "text" };
import fewUnits from "../../kernels/lib/few_units.wgsl" with { type: "text" };
import halvesGated from "../../kernels/lib/halves_gated.wgsl" with {
  type: "text",
};
import halvesOne from "../../kernels/lib/halves_one.wgsl" with { type: "text" };
import matmulBlocks from "../../kernels/lib/matmul_blocks.wgsl" with {
  type: "text",
};
import matmulTiles from "../../kernels/lib/matmul_tiles.wgsl" with {
  type: "text",
};
import outerCode from "../../kernels/lib/outer.wgsl" with { type: "text" };
import matmulFewCode from "../../kernels/matmul_few.wgsl" with { type: "text" };
import matmulWideCode from "../../kernels/matmul_wide.wgsl" with {
  type: "text",
};
import matmulCode from "../../kernels/matmul.wgsl" with { type: "text" };
import type { MatrixLayout } from "./matrix.ts";
import { NO_REDUCTION } from "./op.ts";

/** A kernel for a product, and how workgroups share it. */
export interface MatmulWay {
  /** The files, but for those of `rows_*`; the one with the entry point last. */
  readonly sources: readonly KernelSource[];
  /** Their constants. */
  readonly constants: Constants;
  /** Rows of x that a workgroup takes. */
  readonly rows: number;
  /** Workgroups for as many rows. */
  readonly tiles: number;
}

const OUTER: KernelSource = { name: "lib/outer.wgsl", code: outerCode };

/**
 * For the CPU: `matmul.wgsl`.
 *
 * @param layout How the matrix lies.
 * @returns The kernel.
 */
export function narrowWay(layout: MatrixLayout): MatmulWay {
  const tilePacked = Math.floor(64 / layout.codesPerWord);
  return {
    sources: [
      ...layout.sources,
      NO_REDUCTION,
      { name: "lib/matmul_tiles.wgsl", code: matmulTiles },
      { name: "matmul.wgsl", code: matmulCode },
    ],
    constants: layout.constants,
    rows: 32,
    tiles: Math.ceil(layout.P * layout.G / tilePacked),
  };
}

/**
 * For a GPU and any matrix: `matmul_wide.wgsl`.
 *
 * @param layout How the matrix lies.
 * @param matrix3At Words from W1 to W3, if silu(W1 x) * W3 x is wanted.
 * @returns The kernel.
 */
export function wideWay(layout: MatrixLayout, matrix3At?: number): MatmulWay {
  const { G, P, K, codesPerWord } = layout;
  const isGated = matrix3At !== undefined;
  // As in lib/matmul_blocks.wgsl.
  const blockCount = codesPerWord === 10
    ? 3 * P * G
    : G * Math.ceil(P * codesPerWord / 4);
  return {
    sources: [
      ...layout.sources,
      NO_REDUCTION,
      OUTER,
      { name: "lib/matmul_blocks.wgsl", code: matmulBlocks },
      isGated
        ? { name: "lib/halves_gated.wgsl", code: halvesGated }
        : { name: "lib/halves_one.wgsl", code: halvesOne },
      { name: "matmul_wide.wgsl", code: matmulWideCode },
    ],
    constants: {
      ...layout.constants,
      QUADS: Math.ceil(K / 4),
      ...isGated && { MATRIX3_AT: matrix3At },
    },
    rows: 64,
    tiles: Math.ceil(blockCount / (isGated ? 16 : 32)),
  };
}

/** By bits: the file, and packed rows of a block. */
const FEW: Readonly<Record<number, { code: string; rows: number }>> = {
  8: { code: fewU8, rows: 4 },
  4: { code: fewU4, rows: 2 },
  2: { code: fewU2, rows: 1 },
};

/**
 * For a GPU and few rows: `matmul_few.wgsl`.
 *
 * @param layout How the matrix lies.
 * @returns The kernel; `null` if the matrix is not made for it.
 */
export function fewWay(layout: MatrixLayout): MatmulWay | null {
  const { K, G, P, metaCount, scheme, constants } = layout;
  if (scheme.type !== "HQQ" || scheme.scaleGroupSize === null) return null;
  const few = FEW[scheme.bits];
  if (few === undefined || P % (2 * few.rows) !== 0) return null;
  if (K % 16 !== 0 || metaCount % 16 !== 0) return null;
  return {
    sources: [
      OUTER,
      { name: `lib/few_u${scheme.bits}.wgsl`, code: few.code },
      { name: "lib/few_units.wgsl", code: fewUnits },
      { name: "matmul_few.wgsl", code: matmulFewCode },
    ],
    constants,
    rows: 8,
    tiles: Math.ceil(G * P / (2 * few.rows) / 8),
  };
}

/** Up to so many rows, `matmul_few.wgsl` is faster (an H100; see docs/LOG.md). */
const FEW_ROWS = 24;
/** With fewer workgroups, so is it with any number of rows. */
const WIDE_WORKGROUPS = 160;

/**
 * Tells whether a product is one for `matmul_few.wgsl`.
 *
 * @param wide The other way.
 * @param options The rows of x that a pick gets, on average, and how many picks there
 * are.
 * @returns Whether it is.
 */
export function isForFew(
  wide: MatmulWay,
  { rowCount, pickCount }: { rowCount: number; pickCount: number },
): boolean {
  if (rowCount <= FEW_ROWS) return true;
  return wide.tiles * Math.ceil(rowCount / wide.rows) * pickCount <
    WIDE_WORKGROUPS;
}
