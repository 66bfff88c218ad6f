/** How a weight matrix lies in GPU memory. Numbers and bytes only. */

import type { Constants, KernelSource } from "../gpu/kernel.ts";
import codesBf16 from "../../kernels/lib/codes_bf16.wgsl" with { type: "text" };
import codesF16 from "../../kernels/lib/codes_f16.wgsl" with { type: "text" };
import codesF32 from "../../kernels/lib/codes_f32.wgsl" with { type: "text" };
import codesU2 from "../../kernels/lib/codes_u2.wgsl" with { type: "text" };
import codesU3 from "../../kernels/lib/codes_u3.wgsl" with { type: "text" };
import codesU4 from "../../kernels/lib/codes_u4.wgsl" with { type: "text" };
import codesU8 from "../../kernels/lib/codes_u8.wgsl" with { type: "text" };
import groupAxis1 from "../../kernels/lib/group_axis1.wgsl" with {
  type: "text",
};
import groupF32 from "../../kernels/lib/group_f32.wgsl" with { type: "text" };
import groupMeta8 from "../../kernels/lib/group_meta8.wgsl" with {
  type: "text",
};
import groupNone from "../../kernels/lib/group_none.wgsl" with { type: "text" };

import type { Bound } from "./op.ts";
import { padded } from "./padded.ts";

/** Weights as floats of the checkpoint's own type. */
export interface FloatScheme {
  /** The type of a weight. */
  readonly type: "F32" | "F16" | "BF16";
}

/** HQQ: codes of a few bits, and a scale and a zero for each group of them. */
export interface HqqScheme {
  /** Marks the scheme. */
  readonly type: "HQQ";
  /** Bits of a code. */
  readonly bits: 8 | 4 | 3 | 2;
  /** What a group is: 0 for output rows of one input, 1 for inputs of one row. */
  readonly axis: 0 | 1;
  /** Weights that share scale and zero. */
  readonly groupSize: number;
  /**
   * Scales that share a meta scale and a meta zero, scales and zeros being
   * 8-bit codes; `null` where they are float32, as along axis 1 they always are.
   */
  readonly scaleGroupSize: number | null;
}

/** How the numbers of a matrix are written. */
export type Scheme = FloatScheme | HqqScheme;

/** By number type: its kernel file, codes in a packed row, words for 4 inputs. */
const CODES = {
  F32: { code: codesF32, codes: 1, quadWords: 4 },
  F16: { code: codesF16, codes: 1, quadWords: 2 },
  BF16: { code: codesBf16, codes: 1, quadWords: 2 },
  8: { code: codesU8, codes: 1, quadWords: 1 },
  4: { code: codesU4, codes: 2, quadWords: 1 },
  3: { code: codesU3, codes: 10, quadWords: 4 },
  2: { code: codesU2, codes: 4, quadWords: 1 },
} as const;

/** A matrix W (N, K) in memory: sizes in words of 4 bytes. */
export interface MatrixLayout {
  /** Output rows. */
  readonly N: number;
  /** Inputs. */
  readonly K: number;
  /** How the numbers are written. */
  readonly scheme: Scheme;
  /** Groups that packed rows belong to; 1 along axis 1, where inputs do. */
  readonly G: number;
  /** Packed rows in a group. */
  readonly P: number;
  /** Output rows in a packed row. */
  readonly codesPerWord: number;
  /** Words of a packed row. */
  readonly rowWords: number;
  /** Where the scales start, or their codes (HQQ). */
  readonly scaleAt: number;
  /** Where the zeros start, or their codes (HQQ). */
  readonly zeroAt: number;
  /** Where the meta scales start (HQQ). */
  readonly metaAt: number;
  /** How many meta scales there are (HQQ). */
  readonly metaCount: number;
  /** Words of the whole matrix, a multiple of 4. */
  readonly wordCount: number;
  /** The kernel files that read it. */
  readonly sources: readonly KernelSource[];
  /** The constants that they need. */
  readonly constants: Constants;
}

/** A matrix on the GPU. */
export interface Matrix {
  /** Where it lies. */
  readonly buffer: Bound;
  /** How. */
  readonly layout: MatrixLayout;
}

/** Every scheme the kernels can read, for tests and benchmarks. */
export const SCHEMES: readonly Scheme[] = [
  { type: "F32" },
  { type: "F16" },
  { type: "BF16" },
  { type: "HQQ", bits: 8, axis: 0, groupSize: 64, scaleGroupSize: 256 },
  { type: "HQQ", bits: 4, axis: 0, groupSize: 64, scaleGroupSize: 256 },
  { type: "HQQ", bits: 3, axis: 0, groupSize: 64, scaleGroupSize: 128 },
  { type: "HQQ", bits: 2, axis: 0, groupSize: 16, scaleGroupSize: 128 },
  { type: "HQQ", bits: 8, axis: 0, groupSize: 64, scaleGroupSize: null },
  { type: "HQQ", bits: 4, axis: 0, groupSize: 64, scaleGroupSize: null },
  { type: "HQQ", bits: 3, axis: 0, groupSize: 64, scaleGroupSize: null },
  { type: "HQQ", bits: 2, axis: 0, groupSize: 16, scaleGroupSize: null },
  { type: "HQQ", bits: 8, axis: 1, groupSize: 64, scaleGroupSize: null },
  { type: "HQQ", bits: 4, axis: 1, groupSize: 64, scaleGroupSize: null },
  { type: "HQQ", bits: 3, axis: 1, groupSize: 64, scaleGroupSize: null },
  { type: "HQQ", bits: 2, axis: 1, groupSize: 16, scaleGroupSize: null },
];

/**
 * Lays out a matrix.
 *
 * @param name What errors call it.
 * @param shape Output rows N and inputs K.
 * @param scheme How its numbers are written.
 * @returns The layout.
 * @throws {RangeError} If the group sizes do not fit the shape.
 */
export function matrixLayout(
  name: string,
  shape: readonly [number, number],
  scheme: Scheme,
): MatrixLayout {
  if (scheme.type === "HQQ") return hqqLayout(name, shape, scheme);
  const [N, K] = shape;
  const { code, quadWords } = CODES[scheme.type];
  const rowWords = Math.ceil(K / 4) * quadWords;
  return {
    N,
    K,
    scheme,
    G: 1,
    P: N,
    codesPerWord: 1,
    rowWords,
    scaleAt: 0,
    zeroAt: 0,
    metaAt: 0,
    metaCount: 0,
    wordCount: padded(N * rowWords),
    sources: [
      { name: `lib/codes_${scheme.type.toLowerCase()}.wgsl`, code },
      { name: "lib/group_none.wgsl", code: groupNone },
    ],
    constants: { K, N, G: 1, P: N },
  };
}

function hqqLayout(
  name: string,
  [N, K]: readonly [number, number],
  scheme: HqqScheme,
): MatrixLayout {
  checkGroups(name, [N, K], scheme);
  const { bits, axis, groupSize, scaleGroupSize } = scheme;
  const { code, codes, quadWords } = CODES[bits];
  const quads = Math.ceil(K / 4);
  const rowWords = quads * quadWords;
  const G = axis === 0 ? N / groupSize : 1;
  const P = Math.ceil((axis === 0 ? groupSize : N) / codes);
  const scaleAt = padded(P * G * rowWords);
  const { source, scaleWords, constants } = groupsOf([N, K], scheme);
  const zeroAt = scaleAt + padded(scaleWords);
  const metaAt = zeroAt + padded(scaleWords);
  const metaCount = scaleGroupSize === null ? 0 : G * K / scaleGroupSize;
  const metaWords = scaleGroupSize === null ? 0 : 2 * metaCount + 2;
  return {
    N,
    K,
    scheme,
    G,
    P,
    codesPerWord: codes,
    rowWords,
    scaleAt,
    zeroAt,
    metaAt,
    metaCount,
    wordCount: padded(metaAt + metaWords),
    sources: [{ name: `lib/codes_u${bits}.wgsl`, code }, source],
    constants: {
      K,
      N,
      G,
      P,
      SCALE_AT: scaleAt,
      ZERO_AT: zeroAt,
      ...constants,
      ...(scaleGroupSize === null ? {} : { META_AT: metaAt, META: metaCount }),
    },
  };
}

/** How the scales of a matrix lie: who reads them, and words of all of them. */
function groupsOf(
  [N, K]: readonly [number, number],
  { axis, groupSize, scaleGroupSize }: HqqScheme,
): { source: KernelSource; scaleWords: number; constants: Constants } {
  if (axis === 1) {
    return {
      source: { name: "lib/group_axis1.wgsl", code: groupAxis1 },
      scaleWords: N * K / groupSize,
      constants: { GROUP: groupSize },
    };
  }
  const quads = N / groupSize * Math.ceil(K / 4);
  return scaleGroupSize === null
    ? {
      source: { name: "lib/group_f32.wgsl", code: groupF32 },
      scaleWords: 4 * quads,
      constants: {},
    }
    : {
      source: { name: "lib/group_meta8.wgsl", code: groupMeta8 },
      scaleWords: quads,
      constants: {},
    };
}

function checkGroups(
  name: string,
  [N, K]: readonly [number, number],
  { bits, axis, groupSize, scaleGroupSize }: HqqScheme,
): void {
  const shape = `${N} x ${K}`;
  if (axis === 1) {
    if (K % groupSize !== 0 || groupSize % 4 !== 0) {
      throw new RangeError(
        `Cannot quantize ${name} (${shape}) along axis 1: its ${K} inputs do not divide into groups of ${groupSize}, wanted a multiple of 4 that divides ${K}`,
      );
    }
    if (scaleGroupSize !== null) {
      throw new RangeError(
        `Cannot quantize ${name} along axis 1: its scales are in groups of ${scaleGroupSize}, wanted scales that are not quantized`,
      );
    }
    return;
  }
  const { codes } = CODES[bits];
  // 3-bit groups are padded to whole words of 10; the others must fill theirs.
  if (bits !== 3 && groupSize % codes !== 0) {
    throw new RangeError(
      `Cannot quantize ${name} to ${bits} bits: the group size is ${groupSize}, wanted a multiple of ${codes}`,
    );
  }
  if (N % groupSize !== 0) {
    throw new RangeError(
      `Cannot quantize ${name} (${shape}): its ${N} rows do not divide into groups of ${groupSize}, wanted a group size that divides ${N}`,
    );
  }
  const scaleCount = N / groupSize * K;
  if (scaleGroupSize !== null && scaleCount % scaleGroupSize !== 0) {
    throw new RangeError(
      `Cannot quantize ${name} (${shape}): its ${scaleCount} scales do not divide into groups of ${scaleGroupSize}, wanted a scale group size that divides ${scaleCount}`,
    );
  }
}

/** What the offset of a bound part of a buffer is a multiple of, on every GPU. */
const PLACE_STEP = 256;

/**
 * Lays matrices out in one buffer, each to be bound by itself.
 *
 * @param layouts How each lies.
 * @returns Where they begin, and the bytes of all.
 */
export function placeMatrices(
  layouts: readonly Pick<MatrixLayout, "wordCount">[],
): { readonly offsets: readonly number[]; readonly byteLength: number } {
  let byteLength = 0;
  const offsets = layouts.map(({ wordCount }) => {
    const offset = byteLength;
    byteLength += Math.ceil(wordCount * 4 / PLACE_STEP) * PLACE_STEP;
    return offset;
  });
  return { offsets, byteLength };
}
