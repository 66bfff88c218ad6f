/** Which kernel files read a matrix in strips: numbers and names only. */

import type { Constants, KernelSource } from "../gpu/kernel.ts";
import share16 from "../../kernels/lib/share_16.wgsl" with { type: "text" };
import share64 from "../../kernels/lib/share_64.wgsl" with { type: "text" };
import stripAxis1 from "../../kernels/lib/strip_axis1.wgsl" with {
  type: "text",
};
import stripMeta8 from "../../kernels/lib/strip_meta8.wgsl" with {
  type: "text",
};
import stripRows8 from "../../kernels/lib/strip_rows_8.wgsl" with {
  type: "text",
};
import stripU2 from "../../kernels/lib/strip_u2.wgsl" with { type: "text" };
import stripU3 from "../../kernels/lib/strip_u3.wgsl" with { type: "text" };
import stripU4 from "../../kernels/lib/strip_u4.wgsl" with { type: "text" };
import stripU8 from "../../kernels/lib/strip_u8.wgsl" with { type: "text" };
import type { HqqScheme, MatrixLayout } from "./matrix.ts";

/** Inputs that an invocation keeps in registers. */
export const STRIP_INPUTS = 16;

/** How strips read a scheme. */
export interface StripScheme {
  /** The files that read codes, scales and zeros. */
  readonly sources: readonly KernelSource[];
  /** What they need besides the matrix' shape. */
  readonly constants: Constants;
  /** Packed rows in a unit. */
  readonly unitRows: number;
  /** Whether many units are folded faster two at a time. */
  readonly inPairs: boolean;
  /** How far apart groups are that have their meta scales in common. */
  readonly residueCount: number;
  /** Invocations that share scales: a workgroup's inputs are whole lots of theirs. */
  readonly sharing: number;
}

const ROWS_8: KernelSource = {
  name: "lib/strip_rows_8.wgsl",
  code: stripRows8,
};

/** By bits: the kernel files, packed rows in a unit, whether many go in pairs. */
const UNITS: Readonly<
  Record<
    HqqScheme["bits"],
    { sources: readonly KernelSource[]; rows: number; inPairs: boolean }
  >
> = {
  8: {
    sources: [ROWS_8, { name: "lib/strip_u8.wgsl", code: stripU8 }],
    rows: 8,
    inPairs: true,
  },
  4: {
    sources: [ROWS_8, { name: "lib/strip_u4.wgsl", code: stripU4 }],
    rows: 8,
    inPairs: true,
  },
  3: {
    sources: [{ name: "lib/strip_u3.wgsl", code: stripU3 }],
    rows: 1,
    inPairs: true,
  },
  2: {
    sources: [{ name: "lib/strip_u2.wgsl", code: stripU2 }],
    rows: 4,
    inPairs: false,
  },
};

const META8: KernelSource = {
  name: "lib/strip_meta8.wgsl",
  code: stripMeta8,
};
const AXIS1: KernelSource = {
  name: "lib/strip_axis1.wgsl",
  code: stripAxis1,
};
/** Inputs that share scale and zero along axis 1, or a divisor of their number. */
const SHARE_16: KernelSource = { name: "lib/share_16.wgsl", code: share16 };
const SHARE_64: KernelSource = { name: "lib/share_64.wgsl", code: share64 };

/**
 * Tells how strips read a matrix.
 *
 * @param layout How it lies.
 * @returns The files and what they want; `null` if strips are not made for it.
 */
export function stripScheme(layout: MatrixLayout): StripScheme | null {
  const { K, scheme } = layout;
  if (scheme.type !== "HQQ" || K % STRIP_INPUTS !== 0) return null;
  const unit = UNITS[scheme.bits];
  return scheme.axis === 1 ? axis1(layout, scheme, unit) : axis0(layout, unit);
}

function axis0(
  { K, G, P, metaCount }: MatrixLayout,
  { sources, rows, inPairs }: (typeof UNITS)[8],
): StripScheme | null {
  if (metaCount === 0 || metaCount % STRIP_INPUTS !== 0) return null;
  // Groups that are so many apart find their meta scales at the same place.
  const residueCount = metaCount / greatestCommonDivisor(metaCount, K);
  if (P % rows !== 0 || G % residueCount !== 0) return null;
  return {
    sources: [...sources, META8],
    constants: {},
    unitRows: rows,
    inPairs,
    residueCount,
    sharing: 1,
  };
}

function axis1(
  { P }: MatrixLayout,
  { groupSize }: HqqScheme,
  { sources, rows, inPairs }: (typeof UNITS)[8],
): StripScheme | null {
  if (groupSize % STRIP_INPUTS !== 0 || P % rows !== 0) return null;
  const isShared = groupSize % (4 * STRIP_INPUTS) === 0;
  return {
    sources: [...sources, AXIS1, isShared ? SHARE_64 : SHARE_16],
    constants: { GROUP: groupSize },
    unitRows: rows,
    inPairs,
    residueCount: 1,
    sharing: isShared ? 4 : 1,
  };
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
