/** How parts of a model are quantized: bits, axis and groups. */

import type { HqqScheme } from "../ops/matrix.ts";

/** The parts of a model that are quantized, each in its own way. */
export type Part = "attn" | "experts";

/** How to quantize a part: 16 bits for the checkpoint's own floats. */
export interface Quantization {
  /** Bits of a code. */
  readonly bits: 16 | 8 | 4 | 3 | 2;
  /** What a group is: 0 for output rows of one input, 1 for inputs of one row. */
  readonly axis: 0 | 1;
  /** Weights that share scale and zero. */
  readonly groupSize: number;
  /** Scales that share a meta scale and zero; `null`: they are not quantized. */
  readonly scaleGroupSize: number | null;
}

/** Group sizes of mixtral-offloading (arXiv 2312.17238, section 3.3). */
export const GROUP_SIZES: Readonly<
  Record<Quantization["bits"], Omit<Quantization, "bits">>
> = {
  16: { axis: 0, groupSize: 0, scaleGroupSize: null },
  8: { axis: 0, groupSize: 64, scaleGroupSize: 256 },
  4: { axis: 0, groupSize: 64, scaleGroupSize: 256 },
  3: { axis: 0, groupSize: 64, scaleGroupSize: 128 },
  2: { axis: 0, groupSize: 16, scaleGroupSize: 128 },
};

/**
 * The kernels' scheme for a quantization to fewer than 16 bits.
 *
 * @param quantization How a part is quantized.
 * @returns The scheme.
 */
export function schemeOf(
  { bits, axis, groupSize, scaleGroupSize }: Quantization,
): HqqScheme {
  const groups = { axis, groupSize, scaleGroupSize };
  return { type: "HQQ", bits: bits as HqqScheme["bits"], ...groups };
}
