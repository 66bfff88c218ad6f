/**
 * From weights to codes, scales and zeros.
 *
 * @module
 */

import { type Bits, checkCodeMatrix, maxCode } from "./bits.ts";
import {
  type Grouping,
  groupingOf,
  type GroupingOptions,
  toGroups,
} from "./grouping.ts";
import { pack } from "./pack.ts";
import type { QuantizedMeta, QuantizedTensor } from "./quantized_tensor.ts";
import { optimizeZero, roundCode } from "./solver.ts";

/** How to quantize scales or zeros. */
export interface MetaQuantizeOptions {
  /** Bits of a code. @default {8} */
  readonly bits?: Bits;
  /**
   * Scales or zeros in a group; `null` for no groups, which along axis 0 makes
   * each its own group unless `channelWise` is `false`.
   * @default {128 for scales, null for zeros}
   */
  readonly groupSize?: number | null;
  /** `false` for one scale and zero for all. @default {true for scales, false for zeros} */
  readonly channelWise?: boolean;
}

/** How to quantize a matrix. */
export interface QuantizeOptions {
  /** Rows (output) and columns (input) of the matrix: N and K. */
  readonly shape: readonly [N: number, K: number];
  /** Bits of a code. */
  readonly bits: Bits;
  /** Weights in a group; `null` for a whole column (axis 0) or row (axis 1). @default {64} */
  readonly groupSize?: number | null;
  /** Along which dimension groups run. 0 is the better one at few bits. @default {0} */
  readonly axis?: 0 | 1;
  /** `false` for one scale and zero for the whole matrix, never optimized. @default {true} */
  readonly channelWise?: boolean;
  /** Round the zeros to whole numbers before optimizing. @default {bits === 4} */
  readonly roundZero?: boolean;
  /** Let the half-quadratic solver improve the zeros. @default {true} */
  readonly optimize?: boolean;
  /** Quantize the scales too; `{}` for the defaults. */
  readonly quantScale?: MetaQuantizeOptions;
  /** Quantize the zeros too; `{}` for the defaults. */
  readonly quantZero?: MetaQuantizeOptions;
}

/**
 * Quantizes a matrix as HQQ does.
 *
 * For each group `scale = (max - min) / (2^bits - 1)`, never below 5e-5,
 * `zero = -min / scale`, then the solver moves `zero`, and
 * `code = round(w / scale + zero)` (`Quantizer.quantize` and `HQQLinear.quantize`
 * in hqq/core/quantize.py of v0.1.1; defaults of its `hqq_base_quant_config`).
 * It computes in float32, and agrees to the bit with what the reference finds on
 * a CPU but for the last bits of an average.
 *
 * One rule is neither v0.1.1's nor HEAD's: a group narrower than 1e-4 is first
 * widened to reach 0. In v0.1.1 the zero of weights that are all 0.5 is -10000,
 * which float16 cannot hold nor quantized zeros bear; HEAD gives such a group
 * scale 1, which loses small weights and does as much harm to quantized scales.
 * Scales and zeros themselves are quantized as in v0.1.1 to the letter.
 *
 * @param w W (N, K), row by row; not changed.
 * @param options Shape, bits and how to quantize.
 * @returns The quantized matrix.
 *
 * @example As mixtral-offloading quantizes its experts: 2 bits, groups of 16
 * ```ts
 * import { dequantize, quantize } from "hqq-ts";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const w = Float32Array.from({ length: 64 * 128 }, (_, i) => Math.sin(i * i));
 * const tensor = quantize(w, {
 *   shape: [64, 128],
 *   bits: 2,
 *   groupSize: 16,
 *   quantScale: { groupSize: 128 },
 *   quantZero: {},
 * });
 * assertEquals(tensor.packed.byteLength, 64 * 128 / 4);
 *
 * const restored = dequantize(tensor); // (64, 128)
 * assert(w.every((x, i) => Math.abs(restored[i]! - x) < 0.6));
 * ```
 */
export function quantize(
  w: Float32Array,
  options: QuantizeOptions,
): QuantizedTensor {
  const { quantScale, quantZero } = options;
  const axis = options.axis ?? 0;
  const tensor = quantizeMatrix(w, {
    name: "",
    shape: options.shape,
    bits: options.bits,
    groupSize: options.groupSize === undefined ? 64 : options.groupSize,
    axis,
    channelWise: options.channelWise ?? true,
    roundZero: options.roundZero ?? options.bits === 4,
    optimize: options.optimize ?? true,
    widenBelow: 1e-4,
  });
  const { scale, zero } = tensor;
  const shape = axis === 0
    ? [1, scale.length] as const
    : [scale.length, 1] as const;
  return {
    ...tensor,
    scale: quantScale === undefined ? scale : quantizeMatrix(scale, {
      ...META,
      name: " scale",
      shape,
      bits: quantScale.bits ?? 8,
      groupSize: quantScale.groupSize === undefined
        ? 128
        : quantScale.groupSize,
      channelWise: quantScale.channelWise ?? true,
    }),
    zero: quantZero === undefined ? zero : quantizeMatrix(zero, {
      ...META,
      name: " zero",
      shape,
      bits: quantZero.bits ?? 8,
      groupSize: quantZero.groupSize ?? null,
      channelWise: quantZero.channelWise ?? false,
    }),
  };
}

/** Scales and zeros are quantized along axis 0, plainly. */
const META = {
  axis: 0,
  roundZero: false,
  optimize: false,
  widenBelow: -1,
} as const;

/** {@linkcode QuantizeOptions} for one matrix, all decided. */
interface MatrixOptions extends GroupingOptions {
  /** What is quantized, for errors: "", " scale" or " zero". */
  readonly name: string;
  readonly bits: Bits;
  readonly roundZero: boolean;
  readonly optimize: boolean;
  /** Groups up to this wide are widened to reach 0. */
  readonly widenBelow: number;
}

/** Quantizes weights, scales or zeros; scale and zero of the result are plain. */
function quantizeMatrix(
  w: Float32Array,
  options: MatrixOptions,
): QuantizedMeta {
  const { shape, bits, groupSize, axis, channelWise } = options;
  const action = `quantize${options.name}`;
  const grouping = groupingOf(action, options);
  const codeMatrix = { bits, shape: grouping.shape };
  checkCodeMatrix(action, codeMatrix);
  checkWeights(w, { action, shape });

  const groups = toGroups(w, grouping); // (groupCount, memberCount)
  const range = rangeOf(groups, { ...options, action, grouping });
  const { inverseScale } = range;
  const zero = options.optimize && channelWise
    ? optimizeZero(groups, { ...range, maxCode: maxCode(bits) })
    : range.zero;
  const codes = codesOf(w, { grouping, inverseScale, zero, bits });
  return {
    shape,
    bits,
    groupSize,
    axis,
    channelWise,
    packed: pack(codes, codeMatrix),
    scale: inverseScale.map((s) => 1 / s),
    zero,
  };
}

/** First scale, as its inverse, and zero of each group, from its least and largest weight. */
function rangeOf(
  groups: Float32Array,
  options: MatrixOptions & { action: string; grouping: Grouping },
): { inverseScale: Float32Array; zero: Float32Array } {
  const { groupCount, memberCount } = options.grouping;
  const inverseScale = new Float32Array(groupCount);
  const zero = new Float32Array(groupCount);
  for (let g = 0; g < groupCount; g++) {
    let min = Infinity;
    let max = -Infinity;
    for (let i = g * memberCount; i < (g + 1) * memberCount; i++) {
      const w = groups[i]!;
      if (w < min) min = w;
      if (w > max) max = w;
    }
    if (Math.fround(max - min) <= options.widenBelow) {
      min = Math.min(min, 0);
      max = Math.max(max, 0);
    }
    const width = Math.fround(max - min);
    if (width === Infinity) {
      throw new RangeError(
        `Cannot ${options.action}: group ${g} spans ${min} to ${max}, wanted a width that float32 holds`,
      );
    }
    // Torch divides a number by a tensor as number * (1 / tensor).
    const s = Math.fround(Math.fround(1 / width) * maxCode(options.bits));
    inverseScale[g] = Math.min(s, MAX_INVERSE_SCALE);
    // 0 - x, not -x, which would make a negative zero.
    const z = Math.fround(0 - min * inverseScale[g]!);
    zero[g] = options.roundZero ? roundEven(z) : z;
  }
  return { inverseScale, zero };
}

/** HQQ's guard against scales that float16 cannot hold: 1 / 5e-5. */
const MAX_INVERSE_SCALE = 2e4;

/** The code of each weight, in the order of the weights. */
function codesOf(
  w: Float32Array,
  options: {
    grouping: Grouping;
    inverseScale: Float32Array;
    zero: Float32Array;
    bits: Bits;
  },
): Uint8Array {
  const { inverseScale, zero } = options;
  const { shape: [rows, columns], rowStride, columnStride } = options.grouping;
  const max = maxCode(options.bits);
  const codes = new Uint8Array(w.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const i = row * columns + column;
      const g = row * rowStride + column * columnStride;
      const ws = Math.fround(w[i]! * inverseScale[g]!);
      codes[i] = roundCode(Math.fround(ws + zero[g]!), max);
    }
  }
  return codes;
}

/** Rounds a float32 to a whole number, ties to even. */
function roundEven(x: number): number {
  const magnitude = (Math.abs(x) + 2 ** 52) - 2 ** 52;
  return x < 0 ? 0 - magnitude : magnitude;
}

/** Throws unless the weights are finite and as many as the shape says. */
function checkWeights(
  w: Float32Array,
  options: { action: string; shape: readonly [number, number] },
): void {
  const { action, shape: [N, K] } = options;
  if (w.length !== N * K) {
    throw new RangeError(
      `Cannot ${action}: ${w.length} weights, wanted ${N * K} for ${N} x ${K}`,
    );
  }
  for (let i = 0; i < w.length; i++) {
    if (!Number.isFinite(w[i])) {
      throw new RangeError(
        `Cannot ${action}: weight [${Math.floor(i / K)}, ${i % K}] is ${
          w[i]
        }, wanted a finite number`,
      );
    }
  }
}
