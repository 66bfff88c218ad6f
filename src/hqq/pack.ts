/**
 * The packing of HQQ itself, here "block layout": the rows of the grouped
 * matrix are cut into as many blocks as a word holds codes, and word `p` holds
 * row `p` of every block, the first block in the top bits.
 *
 * It is what `BitPack` of HQQ writes (hqq/core/bitpack.py, unchanged since
 * v0.1.1; 1 bit since February 2024) and what published checkpoints hold.
 *
 * @module
 */

import {
  checkCodeMatrix,
  checkCodes,
  checkPacked,
  type CodeMatrixOptions,
  codesPerWord,
  emptyPacked,
  maxCode,
  type Packed,
} from "./bits.ts";

/**
 * Packs codes in HQQ's block layout.
 *
 * With `P = ceil(rows / codesPerWord)`, word `(p, column)` holds the codes
 * `(p + i * P, column)`, `i = 0` in the top bits. The shape is that of the
 * grouped matrix: `(group size, groups)` for axis 0, `(groups, group size)` for
 * axis 1. 3-bit codes go ten to a word of 32 bits, the last rows padded with
 * zeros.
 *
 * @param codes (rows, columns), row by row.
 * @param options Bits and shape of the codes.
 * @returns (P, columns), bytes or, for 3 bits, words of 32 bits.
 *
 * @example
 * ```ts
 * import { pack, unpack } from "hqq-ts";
 * import { assertEquals } from "@std/assert";
 *
 * const codes = Uint8Array.of(3, 0, 2, 1); // (4, 1)
 * const packed = pack(codes, { bits: 2, shape: [4, 1] });
 * assertEquals(packed, Uint8Array.of(0b11_00_10_01));
 * assertEquals(unpack(packed, { bits: 2, shape: [4, 1] }), codes);
 * ```
 */
export function pack(codes: Uint8Array, options: CodeMatrixOptions): Packed {
  checkCodeMatrix("pack", options);
  checkCodes(codes, options);
  const { bits } = options;
  const packed = emptyPacked(options); // (P, columns)
  const blockLength = packed.length;

  // A block is contiguous in the codes, so that rows need no loop of their own.
  for (let block = 0; block < codesPerWord(bits); block++) {
    const shift = bits * (codesPerWord(bits) - 1 - block);
    const start = block * blockLength;
    const end = Math.min(start + blockLength, codes.length);
    for (let i = start; i < end; i++) {
      packed[i - start]! |= codes[i]! << shift;
    }
  }
  return packed;
}

/**
 * Unpacks codes from HQQ's block layout: the inverse of {@linkcode pack}.
 *
 * @param packed (P, columns), as `pack` returns it.
 * @param options Bits and shape of the codes; padding is left off.
 * @returns (rows, columns), row by row.
 *
 * @example
 * ```ts
 * import { unpack } from "hqq-ts";
 * import { assertEquals } from "@std/assert";
 *
 * const packed = Uint8Array.of(0x1f, 0x2e); // (1, 2)
 * assertEquals(
 *   unpack(packed, { bits: 4, shape: [2, 2] }),
 *   Uint8Array.of(1, 2, 15, 14),
 * );
 * ```
 */
export function unpack(
  packed: Packed,
  options: CodeMatrixOptions,
): Uint8Array<ArrayBuffer> {
  checkCodeMatrix("unpack", options);
  checkPacked(packed, options);
  const { bits, shape: [rows, columns] } = options;
  const codes = new Uint8Array(rows * columns);
  const blockLength = packed.length;
  const mask = maxCode(bits);

  for (let block = 0; block < codesPerWord(bits); block++) {
    const shift = bits * (codesPerWord(bits) - 1 - block);
    const start = block * blockLength;
    const end = Math.min(start + blockLength, codes.length);
    for (let i = start; i < end; i++) {
      codes[i] = (packed[i - start]! >> shift) & mask;
    }
  }
  return codes;
}
