/** Which matrices `lib/strip.wgsl` reads, and how workgroups share them. */

import type { Activations } from "../gpu/activations.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Constants, KernelSource } from "../gpu/kernel.ts";
import fixedCode from "../../kernels/lib/fixed.wgsl" with { type: "text" };
import fixed16Code from "../../kernels/lib/fixed_16.wgsl" with {
  type: "text",
};
import fixed8Code from "../../kernels/lib/fixed_8.wgsl" with { type: "text" };
import fixedBytes from "../../kernels/lib/fixed_bytes.wgsl" with {
  type: "text",
};
import foldCode from "../../kernels/lib/fold.wgsl" with { type: "text" };
import stripInputs from "../../kernels/lib/strip_inputs.wgsl" with {
  type: "text",
};
import shapeOne from "../../kernels/lib/shape_one.wgsl" with {
  type: "text",
};
import shapeThree from "../../kernels/lib/shape_three.wgsl" with {
  type: "text",
};
import stripCode from "../../kernels/lib/strip.wgsl" with { type: "text" };
import walkPairs from "../../kernels/lib/walk_pairs.wgsl" with {
  type: "text",
};
import walkUnits from "../../kernels/lib/walk_units.wgsl" with {
  type: "text",
};
import weightsFill from "../../kernels/lib/weights_fill.wgsl" with {
  type: "text",
};
import weightsRead from "../../kernels/lib/weights_read.wgsl" with {
  type: "text",
};
import type { MatrixLayout } from "./matrix.ts";
import { STRIP_INPUTS, stripScheme } from "./strip_scheme.ts";

/** Weights where they are. */
const WEIGHTS_READ: KernelSource = {
  name: "lib/weights_read.wgsl",
  code: weightsRead,
};
/** Weights in a slot, which a missing expert fills on the way. */
const WEIGHTS_FILL: KernelSource = {
  name: "lib/weights_fill.wgsl",
  code: weightsFill,
};

/** Units one after the other. */
const WALK_UNITS: KernelSource = {
  name: "lib/walk_units.wgsl",
  code: walkUnits,
};
/** Units two at a time. */
const WALK_PAIRS: KernelSource = {
  name: "lib/walk_pairs.wgsl",
  code: walkPairs,
};
/** From how many units on pairs are worth twice the code. */
const PAIRED_UNITS = 4;

/** How inputs become integers. */
const FIXED: Readonly<Record<Activations, KernelSource>> = {
  float32: { name: "lib/fixed.wgsl", code: fixedCode },
  int16: { name: "lib/fixed_16.wgsl", code: fixed16Code },
  int8: { name: "lib/fixed_8.wgsl", code: fixed8Code },
};

/** Units of one row are short: at least so many make the strip's own loads cheap. */
const SHORT_UNITS = 4;

/** Bytes of a unit's sums of a subgroup. */
const UNIT_BYTE_LENGTH = 64;
/** Bytes of the sums of squares in lib/strip_inputs.wgsl. */
const SQUARES_BYTE_LENGTH = 256;

/** How a matrix is read in strips. */
export interface StripReading {
  /** The files that do so. */
  readonly sources: readonly KernelSource[];
  /** Their constants, WG among them. */
  readonly constants: Constants;
  /** Workgroups for one row of x and one part of the inputs. */
  readonly workgroupCount: number;
  /** How far apart groups are that have their meta scales in common. */
  readonly residueCount: number;
  /** Parts that the inputs are cut into. */
  readonly partCount: number;
}

/** Options for {@linkcode stripReading}. */
export interface StripOptions {
  /** How the matrix lies. */
  readonly layout: MatrixLayout;
  /** Whether the inputs may be cut into parts, each with a row of y. */
  readonly hasParts: boolean;
  /** Matrices that a workgroup folds. */
  readonly matrixCount: number;
  /** Whether missing weights are brought in on the way. */
  readonly fills: boolean;
  /**
   * Units that a workgroup works through.
   *
   * @default {number} what the GPU's tuning says
   */
  readonly unitCount?: number | undefined;
  /**
   * Whether the kernel has the shape from a table, with those of others.
   *
   * @default {false} it is a constant
   */
  readonly hasTable?: boolean;
}

/** The shape of the one matrix that a kernel reads. */
const SHAPE_ONE: KernelSource = {
  name: "lib/shape_one.wgsl",
  code: shapeOne,
};

/** The shapes of three matrices that one kernel reads. */
const SHAPE_THREE: KernelSource = {
  name: "lib/shape_three.wgsl",
  code: shapeThree,
};

/**
 * Picks how a matrix is read in strips.
 *
 * @param gpu The GPU.
 * @param options The matrix, and what its kernel can do.
 * @returns What the kernel needs; `null` if the matrix or the GPU is not made for
 * it.
 */
export function stripReading(
  gpu: Gpu,
  options: StripOptions,
): StripReading | null {
  const { layout, hasParts, matrixCount, fills } = options;
  const { K, G, P } = layout;
  const scheme = stripScheme(layout);
  const { subgroupSize } = gpu;
  const canFold = [8, 16, 32, 64].includes(subgroupSize);
  if (!gpu.hasWideWorkgroups || !canFold || scheme === null) return null;
  const { unitRows, inPairs, residueCount, sharing } = scheme;
  const stripCount = K / STRIP_INPUTS;
  const { tuning } = gpu;
  const partCount = hasParts
    ? partsOf(stripCount, tuning.partInvocations, sharing)
    : 1;
  const WG = Math.ceil(stripCount / partCount / subgroupSize) * subgroupSize;
  const { limits } = gpu.device;
  if (
    WG > limits.maxComputeInvocationsPerWorkgroup ||
    WG > limits.maxComputeWorkgroupSizeX
  ) return null;
  const unitsOfResidue = G / residueCount * (P / unitRows);
  const subgroupCount = WG / subgroupSize;
  // Several units make the strip's own loads cheap, few fill the machine.
  const tuned = hasParts
    ? tuning.downUnits
    : matrixCount > 1
    ? tuning.upUnits
    : tuning.matrixUnits;
  const units = Math.min(
    options.unitCount ?? Math.max(tuned, unitRows === 1 ? SHORT_UNITS : 1),
    unitsOfResidue,
    // What is folded has to fit the workgroup's memory.
    Math.floor(
      (limits.maxComputeWorkgroupStorageSize - SQUARES_BYTE_LENGTH) /
        (matrixCount * subgroupCount * UNIT_BYTE_LENGTH),
    ),
  );
  if (units < 1) return null;
  const isPaired = inPairs && !fills && units >= PAIRED_UNITS &&
    units % 2 === 0;
  return {
    sources: [
      { name: "lib/fold.wgsl", code: foldCode },
      { name: "lib/fixed_bytes.wgsl", code: fixedBytes },
      FIXED[gpu.activations],
      ...scheme.sources,
      fills ? WEIGHTS_FILL : WEIGHTS_READ,
      options.hasTable ? SHAPE_THREE : SHAPE_ONE,
      { name: "lib/strip.wgsl", code: stripCode },
      { name: "lib/strip_inputs.wgsl", code: stripInputs },
      isPaired ? WALK_PAIRS : WALK_UNITS,
    ],
    constants: {
      ...(options.hasTable
        ? { K }
        : { ...layout.constants, RESIDUES: residueCount }),
      ...scheme.constants,
      WG,
      SUBGROUP: subgroupSize,
      UNITS: units,
      MATRICES: matrixCount,
      FOLDED: matrixCount * units * subgroupCount * 16,
    },
    workgroupCount: residueCount * Math.ceil(unitsOfResidue / units),
    residueCount,
    partCount,
  };
}

/** The fewest equal parts that a workgroup can take, of whole lots that share. */
function partsOf(
  stripCount: number,
  invocations: number,
  sharing: number,
): number {
  const lotCount = stripCount / sharing;
  for (let parts = 1; parts <= lotCount; parts++) {
    if (lotCount % parts === 0 && stripCount / parts <= invocations) {
      return parts;
    }
  }
  return lotCount;
}
