/** How a weight matrix lies in GPU memory. Numbers and bytes only. */

import type { QuantizedTensor } from "hqq-ts";
import type { Constants, KernelSource } from "../gpu/kernel.ts";
import codesBf16 from "../../kernels/lib/codes_bf16.wgsl" with { type: "text" };
import codesF16 from "../../kernels/lib/codes_f16.wgsl" with { type: "text" };
import codesF32 from "../../kernels/lib/codes_f32.wgsl" with { type: "text" };
import codesU2 from "../../kernels/lib/codes_u2.wgsl" with { type: "text" };
import codesU3 from "../../kernels/lib/codes_u3.wgsl" with { type: "text" };
import codesU4 from "../../kernels/lib/codes_u4.wgsl" with { type: "text" };
import codesU8 from "../../kernels/lib/codes_u8.wgsl" with { type: "text" };
import groupMeta8 from "../../kernels/lib/group_meta8.wgsl" with {
  type: "text",
};
import groupNone from "../../kernels/lib/group_none.wgsl" with { type: "text" };

import { padded } from "./padded.ts";

/** Weights as floats of the checkpoint's own type. */
export interface FloatScheme {
  /** The type of a weight. */
  readonly type: "F32" | "F16" | "BF16";
}

/** HQQ along axis 0, scale and zero themselves quantized to 8 bits. */
export interface HqqScheme {
  /** Marks the scheme. */
  readonly type: "HQQ";
  /** Bits of a code. */
  readonly bits: 8 | 4 | 3 | 2;
  /** Output rows that share scale and zero. */
  readonly groupSize: number;
  /** Scales that share a meta scale and a meta zero. */
  readonly scaleGroupSize: number;
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
  /** Groups. */
  readonly G: number;
  /** Packed rows in a group. */
  readonly P: number;
  /** Output rows in a packed row. */
  readonly codesPerWord: number;
  /** Words of a packed row. */
  readonly rowWords: number;
  /** Where `scale_q` starts (HQQ). */
  readonly scaleAt: number;
  /** Where `zero_q` starts (HQQ). */
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
  readonly buffer: GPUBuffer;
  /** How. */
  readonly layout: MatrixLayout;
}

/** Every scheme the kernels can read, for tests and benchmarks. */
export const SCHEMES: readonly Scheme[] = [
  { type: "F32" },
  { type: "F16" },
  { type: "BF16" },
  { type: "HQQ", bits: 8, groupSize: 64, scaleGroupSize: 256 },
  { type: "HQQ", bits: 4, groupSize: 64, scaleGroupSize: 256 },
  { type: "HQQ", bits: 3, groupSize: 64, scaleGroupSize: 128 },
  { type: "HQQ", bits: 2, groupSize: 16, scaleGroupSize: 128 },
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
  [N, K]: readonly [number, number],
  scheme: Scheme,
): MatrixLayout {
  const quads = Math.ceil(K / 4);
  const { code, codes, quadWords } =
    CODES[scheme.type === "HQQ" ? scheme.bits : scheme.type];
  const rowWords = quads * quadWords;
  const kind = scheme.type === "HQQ"
    ? `u${scheme.bits}`
    : scheme.type.toLowerCase();
  const codesSource = { name: `lib/codes_${kind}.wgsl`, code };
  if (scheme.type !== "HQQ") {
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
      sources: [codesSource, {
        name: "lib/group_none.wgsl",
        code: groupNone,
      }],
      constants: { K, N, G: 1, P: N },
    };
  }
  checkGroups(name, [N, K], scheme);
  const G = N / scheme.groupSize;
  const P = Math.ceil(scheme.groupSize / codes);
  const metaCount = G * K / scheme.scaleGroupSize;
  const scaleAt = padded(P * G * rowWords);
  const zeroAt = scaleAt + padded(G * quads);
  const metaAt = zeroAt + padded(G * quads);
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
    wordCount: padded(metaAt + 2 * metaCount + 2),
    sources: [codesSource, {
      name: "lib/group_meta8.wgsl",
      code: groupMeta8,
    }],
    constants: {
      K,
      N,
      G,
      P,
      SCALE_AT: scaleAt,
      ZERO_AT: zeroAt,
      META_AT: metaAt,
      META: metaCount,
    },
  };
}

function checkGroups(
  name: string,
  [N, K]: readonly [number, number],
  { bits, groupSize, scaleGroupSize }: HqqScheme,
): void {
  const { codes } = CODES[bits];
  // 3-bit groups are padded to whole words of 10; the others must fill theirs.
  if (bits !== 3 && groupSize % codes !== 0) {
    throw new RangeError(
      `Cannot quantize ${name} to ${bits} bits: the group size is ${groupSize}, wanted a multiple of ${codes}`,
    );
  }
  if (N % groupSize !== 0) {
    throw new RangeError(
      `Cannot quantize ${name} (${N} x ${K}): its ${N} rows do not divide into groups of ${groupSize}, wanted a group size that divides ${N}`,
    );
  }
  const scaleCount = N / groupSize * K;
  if (scaleCount % scaleGroupSize !== 0) {
    throw new RangeError(
      `Cannot quantize ${name} (${N} x ${K}): its ${scaleCount} scales do not divide into groups of ${scaleGroupSize}, wanted a scale group size that divides ${scaleCount}`,
    );
  }
}

/**
 * Writes a float matrix in its layout.
 *
 * @param layout The layout.
 * @param bytes The weights (N, K), row by row, in the layout's type.
 * @param into Where to, `layout.wordCount * 4` bytes, all zero.
 */
export function writeFloatMatrix(
  layout: MatrixLayout,
  bytes: Uint8Array,
  into: Uint8Array,
): void {
  copyRows(bytes, bytes.length / layout.N, into, layout.rowWords * 4);
}

/**
 * Writes an HQQ matrix in its layout.
 *
 * @param layout The layout.
 * @param tensor The matrix, of the same scheme.
 * @param into Where to, `layout.wordCount * 4` bytes, all zero.
 */
export function writeHqqMatrix(
  layout: MatrixLayout,
  tensor: QuantizedTensor,
  into: Uint8Array,
): void {
  const { K, rowWords, metaCount } = layout;
  const { packed, scale, zero } = tensor;
  if (scale instanceof Float32Array || zero instanceof Float32Array) {
    throw new TypeError(
      "Cannot lay out a matrix: its scales are floats, wanted 8-bit codes",
    );
  }
  const part = (at: number) => into.subarray(at * 4);
  copyRows(bytesOf(packed), K * packed.BYTES_PER_ELEMENT, into, rowWords * 4);
  const stride = padded(K);
  copyRows(bytesOf(scale.packed), K, part(layout.scaleAt), stride);
  copyRows(bytesOf(zero.packed), K, part(layout.zeroAt), stride);
  const meta = new Float32Array(2 * metaCount + 2);
  meta.set(scale.scale, 0);
  meta.set(scale.zero, metaCount);
  meta.set([zero.scale[0]!, zero.zero[0]!], 2 * metaCount);
  part(layout.metaAt).set(bytesOf(meta));
}

function bytesOf(array: Uint8Array | Int32Array | Float32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** Copies rows of `width` bytes to rows of `stride` bytes. */
function copyRows(
  from: Uint8Array,
  width: number,
  to: Uint8Array,
  stride: number,
): void {
  if (width === stride) return to.set(from);
  for (let row = 0; row * width < from.length; row++) {
    to.set(from.subarray(row * width, (row + 1) * width), row * stride);
  }
}
