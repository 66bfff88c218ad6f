/** How to load a model. */

import type { Progress } from "../model/upload.ts";
import { GROUP_SIZES, type Part, type Quantization } from "../model/weights.ts";

/** Bits of a weight; 16 keeps the checkpoint's own floats. */
export type WeightBits = 16 | 8 | 4 | 3 | 2;

/** Options for `load()`. */
export interface LoadOptions {
  /**
   * Bits of the attention's weights.
   *
   * @default {undefined} as in the checkpoint
   */
  attnBits?: WeightBits | undefined;
  /**
   * Bits of the experts' weights.
   *
   * @default {undefined} as in the checkpoint
   */
  expertBits?: WeightBits | undefined;
  /**
   * Output rows of an attention matrix that share scale and zero.
   *
   * @default {64}, and 16 for 2 bits
   */
  attnGroupSize?: number | undefined;
  /**
   * Scales of an attention matrix that are quantized together.
   *
   * @default {256} for 8 and 4 bits, 128 for 3 and 2
   */
  attnScaleGroupSize?: number | undefined;
  /**
   * Output rows of an expert's matrix that share scale and zero.
   *
   * @default {64}, and 16 for 2 bits
   */
  expertGroupSize?: number | undefined;
  /**
   * Scales of an expert's matrix that are quantized together.
   *
   * @default {256} for 8 and 4 bits, 128 for 3 and 2
   */
  expertScaleGroupSize?: number | undefined;
  /**
   * Positions of the KV cache: how long prompt and answer may be together.
   *
   * @default {number} what the model was made for, at most 4096
   */
  contextLength?: number | undefined;
  /**
   * The most tokens of a prompt that run at once.
   *
   * @default {512}
   */
  chunkSize?: number | undefined;
  /** Called now and then while the weights load. */
  onProgress?: ((progress: Progress) => void) | undefined;
}

/** The bits that weights can have. */
export const WEIGHT_BITS: readonly WeightBits[] = [16, 8, 4, 3, 2];

/**
 * Checks load options.
 *
 * @param options The options.
 * @throws {RangeError} If one is out of range.
 */
export function checkLoadOptions(options: LoadOptions): void {
  for (const name of ["attnBits", "expertBits"] as const) {
    const bits = options[name];
    if (bits !== undefined && !WEIGHT_BITS.includes(bits)) {
      throw new RangeError(
        `Cannot load the model: ${name} is ${bits}, wanted one of ${
          WEIGHT_BITS.join(", ")
        }`,
      );
    }
  }
  for (
    const name of [
      "attnGroupSize",
      "attnScaleGroupSize",
      "expertGroupSize",
      "expertScaleGroupSize",
      "contextLength",
      "chunkSize",
    ] as const
  ) {
    const value = options[name];
    if (value !== undefined && !(Number.isInteger(value) && value > 0)) {
      throw new RangeError(
        `Cannot load the model: ${name} is ${value}, wanted a positive whole number`,
      );
    }
  }
}

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
      groupSize: groupSize ?? GROUP_SIZES[bits].groupSize,
      scaleGroupSize: scaleGroupSize ?? GROUP_SIZES[bits].scaleGroupSize,
    };
  }
  return wanted;
}
