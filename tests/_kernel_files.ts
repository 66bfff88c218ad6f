/** Which WGSL files a scheme takes. */

import type { Activations } from "../src/gpu/activations.ts";
import { type HqqScheme, type Scheme, SCHEMES } from "../src/ops/matrix.ts";
import { SUMMING, type Summing } from "./_gpu.ts";
import { IS_LONG } from "./_kernel_case.ts";

/** The files that multiply a matrix, whatever its scheme. */
export const MATMUL_KERNELS = [
  "lib/pick_one.wgsl",
  "lib/rows_all.wgsl",
  "lib/step.wgsl",
  "lib/reduce_none.wgsl",
];

/** The files that read a scheme. */
export function filesOf(scheme: Scheme): string[] {
  if (scheme.type !== "HQQ") {
    return [
      `lib/codes_${scheme.type.toLowerCase()}.wgsl`,
      "lib/group_none.wgsl",
    ];
  }
  const { bits, axis, scaleGroupSize } = scheme;
  const groups = axis === 1
    ? "axis1"
    : scaleGroupSize === null
    ? "f32"
    : "meta8";
  return [`lib/codes_u${bits}.wgsl`, `lib/group_${groups}.wgsl`];
}

/** The files that multiply a matrix by one row, 4 inputs at a time. */
export function matvecFilesOf(scheme: Scheme): string[] {
  return scheme.type === "HQQ" && scheme.axis === 1
    ? ["matvec_axis1.wgsl"]
    : ["matvec.wgsl", "lib/inputs_4.wgsl"];
}

/** The schemes that `lib/strip.wgsl` reads. */
export const STRIP_SCHEMES: readonly HqqScheme[] = SCHEMES
  .filter((scheme) => scheme.type === "HQQ")
  .filter(({ axis, scaleGroupSize }) => axis === 1 || scaleGroupSize !== null);

const STRIP_FILES = [
  "lib/strip.wgsl",
  "lib/strip_inputs.wgsl",
  "lib/shape_one.wgsl",
  "lib/weights_read.wgsl",
  "lib/fixed_bytes.wgsl",
  "lib/fold.wgsl",
];

const FIXED_FILES: Readonly<Record<Activations, string>> = {
  float32: "lib/fixed.wgsl",
  int16: "lib/fixed_16.wgsl",
  int8: "lib/fixed_8.wgsl",
};

/** The files that read a scheme in strips, with inputs as exact as that. */
export function stripFilesOf(
  { bits, axis }: HqqScheme,
  activations: Activations = "float32",
): string[] {
  const rows = bits < 4 ? [] : ["lib/strip_rows_8.wgsl"];
  const groups = axis === 1 ? "axis1" : "meta8";
  return [
    ...rows,
    `lib/strip_u${bits}.wgsl`,
    `lib/strip_${groups}.wgsl`,
    FIXED_FILES[activations],
    ...STRIP_FILES,
  ];
}

/** The files that share scales along axis 1, in groups of 16 and of 64. */
export function shareFilesOf({ axis }: HqqScheme): string[] {
  return axis === 1 ? ["lib/share_16.wgsl", "lib/share_64.wgsl"] : [];
}

/** The files that multiply few rows by a matrix of a scheme of those; none for some. */
export function fewFilesOf({ bits, axis }: HqqScheme): string[] {
  if (bits === 3 || axis === 1) return [];
  return [
    "matmul_few.wgsl",
    `lib/few_u${bits}.wgsl`,
    "lib/few_units.wgsl",
    "lib/outer.wgsl",
  ];
}

/**
 * How kernels sum does not depend on how they read weights: one scheme of each
 * kernel goes through all ways, the others through one or another.
 */
export function summingOf(scheme: Scheme): readonly Summing[] {
  const isPlain = scheme.type === "HQQ" && scheme.axis === 0 &&
    scheme.scaleGroupSize === null;
  if (isPlain) return SUMMING.slice(0, 1);
  const all = IS_LONG || scheme.type === "F32" ||
    (scheme.type === "HQQ" && scheme.bits === 4);
  return all ? SUMMING : [SUMMING[SCHEMES.indexOf(scheme) % 2 * 2]!];
}
