/** How to quantize a model. */

import type { Progress } from "../model/upload.ts";
import {
  GROUP_SIZES,
  type Part,
  type Quantization,
} from "../model/quantization.ts";
import { WEIGHT_BITS, type WeightBits } from "./load_options.ts";

/** Options for `quantizeModel()`. */
export interface QuantizeModelOptions {
  /**
   * Bits of the attention's weights; 16 keeps the source's own floats.
   *
   * @default {4}, or as in the source if it is quantized
   */
  attnBits?: WeightBits | undefined;
  /**
   * Bits of the experts' weights; 16 keeps the source's own floats.
   *
   * @default {2}, or as in the source if it is quantized
   */
  expertBits?: WeightBits | undefined;
  /** Group size of both parts, where neither of the next two says otherwise. */
  groupSize?: number | undefined;
  /**
   * Weights of an attention matrix that share scale and zero.
   *
   * @default {64}, and 16 for 2 bits
   */
  attnGroupSize?: number | undefined;
  /**
   * Weights of an expert's matrix that share scale and zero.
   *
   * @default {64}, and 16 for 2 bits
   */
  expertGroupSize?: number | undefined;
  /**
   * What a group is in both parts: 0 for weights of one input and several output
   * rows, whose scales are quantized, too; 1 for weights of one output row and
   * several inputs, with scales and zeros in float32.
   *
   * @default {0}, or as in the source if it is quantized
   */
  axis?: 0 | 1 | undefined;
  /**
   * Scales of an attention matrix that are quantized together.
   *
   * @default {256} for 8 and 4 bits, 128 for 3 and 2
   */
  attnScaleGroupSize?: number | undefined;
  /**
   * Scales of an expert's matrix that are quantized together.
   *
   * @default {256} for 8 and 4 bits, 128 for 3 and 2
   */
  expertScaleGroupSize?: number | undefined;
  /**
   * How many matrices to quantize at a time, each in its own worker; 1 needs
   * none. The result is the same.
   *
   * @default {number} one for each core, as far as the memory goes
   */
  workerCount?: number | undefined;
  /**
   * Whether to write one file for all but the experts and one for the experts
   * of each layer, or a single file.
   *
   * @default {boolean} a single file up to 1 GB
   */
  isSharded?: boolean | undefined;
  /**
   * Whether to replace a model that is there already, and what is left of a run
   * with other options.
   *
   * @default {false}
   */
  force?: boolean | undefined;
  /** Called now and then, with counts of weights. */
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Stops it; the same call goes on from there. */
  signal?: AbortSignal | undefined;
}

/** What `quantizeModel()` did. */
export interface QuantizeResult {
  /** The directory that is there now. */
  readonly directory: string;
  /** Bytes of the source's tensors. */
  readonly sourceByteLength: number;
  /** Bytes of the result's tensors. */
  readonly byteLength: number;
  /** Files of tensors. */
  readonly fileCount: number;
  /** Of these, files that an earlier run had left whole. */
  readonly reusedFileCount: number;
  /** Weights of the other files, which this run read and quantized or copied. */
  readonly weightCount: number;
  /** Workers that quantized; 1 is none but this thread. */
  readonly workerCount: number;
  /** How long it took. */
  readonly timeMs: number;
}

/** Bits of sources that are floats, as mixtral-offloading has them. */
const DEFAULT_BITS = { attn: 4, experts: 2 } as const;

/** What options of a part begin with. */
const PREFIXES = { attn: "attn", experts: "expert" } as const;

/**
 * What the options want of each part.
 *
 * @param options The options.
 * @param stored What the source holds.
 * @returns The quantization of each part.
 * @throws {RangeError} If an option is out of range, or the source is quantized
 * in other groups.
 */
export function quantizeParts(
  options: QuantizeModelOptions,
  stored: Readonly<Record<Part, Quantization>>,
): Record<Part, Quantization> {
  checkCounts(options);
  return {
    attn: partOf("attn", options, stored.attn),
    experts: partOf("experts", options, stored.experts),
  };
}

function partOf(
  part: Part,
  options: QuantizeModelOptions,
  stored: Quantization,
): Quantization {
  const prefix = PREFIXES[part];
  const isStored = stored.bits !== 16;
  const bits = options[`${prefix}Bits`] ??
    (isStored ? stored.bits : DEFAULT_BITS[part]);
  if (!WEIGHT_BITS.includes(bits)) {
    throw new RangeError(
      `Cannot quantize the model: ${prefix}Bits is ${bits}, wanted one of ${
        WEIGHT_BITS.join(", ")
      }`,
    );
  }
  const own = options[`${prefix}GroupSize`];
  const scaleGroupSize = options[`${prefix}ScaleGroupSize`];
  if (bits === 16) {
    if ((own ?? scaleGroupSize) === undefined) return FLOATS;
    throw new RangeError(
      `Cannot quantize the model: there is a group size for the ${part} but they keep 16 bits, wanted ${prefix}Bits of 8, 4, 3 or 2`,
    );
  }
  const given = {
    ...defined("axis", options.axis),
    ...defined("groupSize", own ?? options.groupSize),
    ...defined("scaleGroupSize", scaleGroupSize),
  };
  // The reader refuses other bits of what is quantized.
  if (!isStored || bits !== stored.bits) {
    const plain = options.axis === 1 ? { scaleGroupSize: null } : {};
    return { bits, ...GROUP_SIZES[bits], ...plain, ...given };
  }
  for (const [name, wanted] of Object.entries(given)) {
    const found = stored[name as keyof typeof given];
    if (found === wanted) continue;
    throw new RangeError(
      `Cannot quantize the model: the ${part} have ${name} ${wanted} in the options and ${found} in the source, which is already quantized; quantize from the original weights`,
    );
  }
  return stored;
}

const FLOATS: Quantization = { bits: 16, ...GROUP_SIZES[16] };

/** A field, or none if its value is undefined. */
function defined<K extends string, V>(name: K, value: V | undefined) {
  return (value === undefined ? {} : { [name]: value }) as Partial<
    Record<K, V>
  >;
}

function checkCounts(options: QuantizeModelOptions): void {
  const { axis } = options;
  if (axis !== undefined && axis !== 0 && axis !== 1) {
    throw new RangeError(
      `Cannot quantize the model: axis is ${axis}, wanted 0 or 1`,
    );
  }
  for (
    const name of [
      "groupSize",
      "attnGroupSize",
      "attnScaleGroupSize",
      "expertGroupSize",
      "expertScaleGroupSize",
      "workerCount",
    ] as const
  ) {
    const value = options[name];
    if (value === undefined || (Number.isInteger(value) && value > 0)) continue;
    throw new RangeError(
      `Cannot quantize the model: ${name} is ${value}, wanted a positive whole number`,
    );
  }
}
