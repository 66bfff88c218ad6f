import {
  GROUP_SIZES,
  type Part,
  type Quantization,
} from "../model/quantization.ts";
import type { LoadOptions } from "./load_options.ts";

/**
 * What the options want of each part.
 *
 * @param options The load options, checked.
 * @param stored What the checkpoint holds; `null` for floats.
 * @returns The quantization of each part that the options name.
 * @throws {RangeError} If there are group sizes without bits.
 */
export function wantedParts(
  options: LoadOptions,
  stored: Readonly<Record<Part, Quantization>> | null,
): Partial<Record<Part, Quantization>> {
  const wanted: Partial<Record<Part, Quantization>> = {};
  for (
    const [part, prefix] of [["attn", "attn"], ["experts", "expert"]] as const
  ) {
    const bits = options[`${prefix}Bits`] ?? stored?.[part].bits ?? 16;
    const groupSize = options[`${prefix}GroupSize`];
    const scaleGroupSize = options[`${prefix}ScaleGroupSize`];
    if (bits === 16 && (groupSize ?? scaleGroupSize) !== undefined) {
      throw new RangeError(
        `Cannot load the model: there is a group size for the ${part} but they keep 16 bits, wanted ${prefix}Bits of 8, 4, 3 or 2`,
      );
    }
    wanted[part] = {
      bits,
      axis: GROUP_SIZES[bits].axis,
      groupSize: groupSize ?? GROUP_SIZES[bits].groupSize,
      scaleGroupSize: scaleGroupSize ?? GROUP_SIZES[bits].scaleGroupSize,
    };
  }
  return wanted;
}
