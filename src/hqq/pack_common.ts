/**
 * The "common" packing of mixtral-offloading: neighbouring rows share a word.
 *
 * Its run-time kernels use it (src/packing.py of dvmazur/mixtral-offloading),
 * and by their size the 3-bit experts of the published 4bit-3bit checkpoint are
 * stored so. Nothing in a file tells the two layouts apart but the length.
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
 * Packs the codes of a weight matrix in the common layout.
 *
 * With `c = codesPerWord`, word `(r, k)` holds the codes `(c * r + i, k)`,
 * `i = 0` in the top bits. Groups play no part in it.
 *
 * @param codes (N, K), row by row.
 * @param options Bits (4, 3 or 2) and shape (N, K) of the codes.
 * @returns (ceil(N / c), K), bytes or, for 3 bits, words of 32 bits.
 *
 * @example
 * ```ts
 * import { packCommon } from "hqq-ts";
 * import { assertEquals } from "@std/assert";
 *
 * const codes = Uint8Array.of(1, 2, 15, 14); // (4, 1)
 * assertEquals(
 *   packCommon(codes, { bits: 4, shape: [4, 1] }),
 *   Uint8Array.of(0x12, 0xfe),
 * );
 * ```
 */
export function packCommon(
  codes: Uint8Array,
  options: CodeMatrixOptions,
): Packed {
  checkCodeMatrix("pack", options);
  checkCommonBits("pack", options);
  checkCodes(codes, options);
  const { bits, shape: [rows, columns] } = options;
  const packed = emptyPacked(options); // (ceil(rows / c), columns)
  const c = codesPerWord(bits);

  for (let row = 0; row < rows; row++) {
    const shift = bits * (c - 1 - row % c);
    const start = Math.floor(row / c) * columns;
    for (let k = 0; k < columns; k++) {
      packed[start + k]! |= codes[row * columns + k]! << shift;
    }
  }
  return packed;
}

/**
 * Unpacks codes from the common layout: the inverse of {@linkcode packCommon}.
 *
 * To turn common into HQQ's own layout, `pack` these codes in the shape of the
 * grouped matrix.
 *
 * @param packed (ceil(N / c), K), as `packCommon` returns it.
 * @param options Bits (4, 3 or 2) and shape (N, K) of the codes.
 * @returns (N, K), row by row.
 *
 * @example From the common layout to HQQ's own, in groups of 2 along axis 0
 * ```ts
 * import { pack, unpackCommon } from "hqq-ts";
 * import { assertEquals } from "@std/assert";
 *
 * const common = Uint8Array.of(0x12, 0xfe);
 * const codes = unpackCommon(common, { bits: 4, shape: [4, 1] });
 * assertEquals(codes, Uint8Array.of(1, 2, 15, 14));
 * assertEquals(
 *   pack(codes, { bits: 4, shape: [2, 2] }),
 *   Uint8Array.of(0x1f, 0x2e),
 * );
 * ```
 */
export function unpackCommon(
  packed: Packed,
  options: CodeMatrixOptions,
): Uint8Array<ArrayBuffer> {
  checkCodeMatrix("unpack", options);
  checkCommonBits("unpack", options);
  checkPacked(packed, options);
  const { bits, shape: [rows, columns] } = options;
  const codes = new Uint8Array(rows * columns);
  const c = codesPerWord(bits);
  const mask = maxCode(bits);

  for (let row = 0; row < rows; row++) {
    const shift = bits * (c - 1 - row % c);
    const start = Math.floor(row / c) * columns;
    for (let k = 0; k < columns; k++) {
      codes[row * columns + k] = (packed[start + k]! >> shift) & mask;
    }
  }
  return codes;
}

/** The source defines the layout for 4, 3 and 2 bits only. */
function checkCommonBits(action: string, options: CodeMatrixOptions): void {
  if (options.bits === 8 || options.bits === 1) {
    throw new RangeError(
      `Cannot ${action}: the common layout has no ${options.bits}-bit codes, wanted 4, 3 or 2`,
    );
  }
}
