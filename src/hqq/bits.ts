/**
 * How many bits a code has, and how codes lie in a word.
 *
 * @module
 */

/** Bits of a code: what HQQ packs without waste, and 3 in words of 32. */
export type Bits = 8 | 4 | 3 | 2 | 1;

/** What a packed array is made of: bytes, and words of 32 bits for 3-bit codes. */
export type Packed = Uint8Array | Int32Array;

/** A matrix of codes: how many bits each has, and its rows and columns. */
export interface CodeMatrixOptions {
  /** Bits of a code. */
  readonly bits: Bits;
  /** Rows and columns of the codes, before packing. */
  readonly shape: readonly [rows: number, columns: number];
}

/** Codes in a word of each width; 3 bits leave the top 2 of 32 empty. */
const CODES_PER_WORD: Readonly<Record<Bits, number>> = {
  8: 1,
  4: 2,
  3: 10,
  2: 4,
  1: 8,
};

/**
 * Codes that one word holds.
 *
 * @param bits Bits of a code.
 * @returns 1, 2, 10, 4 or 8 for 8, 4, 3, 2 or 1 bits.
 */
export function codesPerWord(bits: Bits): number {
  return CODES_PER_WORD[bits];
}

/**
 * The largest code, `2^bits - 1`.
 *
 * @param bits Bits of a code.
 * @returns The largest code.
 */
export function maxCode(bits: Bits): number {
  return 2 ** bits - 1;
}

/**
 * Words of a packed matrix, the same in the block and the common layout.
 *
 * Rows are packed, columns stay: `ceil(rows / codesPerWord) * columns`. Beware
 * of which rows: the block layout packs the grouped matrix, the common layout
 * the weights as they stand, so that the two differ in length where 10 divides
 * only one of them.
 *
 * @param options Bits and shape of the codes.
 * @returns Bytes, or words of 32 bits for 3-bit codes.
 *
 * @example
 * ```ts
 * import { packedLength } from "hqq-ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(packedLength({ bits: 2, shape: [16, 256] }), 4 * 256);
 * assertEquals(packedLength({ bits: 3, shape: [64, 256] }), 7 * 256);
 * ```
 */
export function packedLength(options: CodeMatrixOptions): number {
  const [rows, columns] = options.shape;
  return Math.ceil(rows / codesPerWord(options.bits)) * columns;
}

/**
 * Throws unless such a matrix of codes can be packed.
 *
 * @param action What could not be done, as `Cannot <action>: ...` says it.
 * @param options Bits and shape of the codes.
 */
export function checkCodeMatrix(
  action: string,
  options: CodeMatrixOptions,
): void {
  const { bits, shape: [rows, columns] } = options;
  if (!Object.hasOwn(CODES_PER_WORD, bits)) {
    throw new RangeError(
      `Cannot ${action}: bits is ${bits}, wanted 8, 4, 3, 2 or 1`,
    );
  }
  for (const length of [rows, columns]) {
    if (!Number.isSafeInteger(length) || length < 1) {
      throw new RangeError(
        `Cannot ${action}: shape is ${rows} x ${columns}, wanted two positive integers`,
      );
    }
  }
  // Words of 3-bit codes are padded with zeros; bytes never are.
  if (bits !== 3 && rows % codesPerWord(bits) !== 0) {
    throw new RangeError(
      `Cannot ${action}: ${rows} rows do not fill bytes of ${
        codesPerWord(bits)
      } ${bits}-bit codes, wanted a multiple of ${codesPerWord(bits)}`,
    );
  }
}

/**
 * Throws unless the words are of the right kind and as many as the shape needs.
 *
 * @param packed The packed words.
 * @param options Bits and shape of the codes.
 */
export function checkPacked(packed: Packed, options: CodeMatrixOptions): void {
  const { bits, shape: [rows, columns] } = options;
  if (packed instanceof Int32Array !== (bits === 3)) {
    throw new TypeError(
      `Cannot unpack: ${bits}-bit codes are in ${packed.constructor.name}, wanted ${
        bits === 3 ? "Int32Array" : "Uint8Array"
      }`,
    );
  }
  const wanted = packedLength(options);
  if (packed.length !== wanted) {
    throw new RangeError(
      `Cannot unpack: ${packed.length} words, wanted ${wanted} for ${rows} x ${columns} ${bits}-bit codes`,
    );
  }
}

/**
 * Throws unless the codes are as many as the shape says and none is too large.
 *
 * @param codes Codes, row by row.
 * @param options Bits and shape of the codes.
 */
export function checkCodes(
  codes: Uint8Array,
  options: CodeMatrixOptions,
): void {
  const { bits, shape: [rows, columns] } = options;
  if (codes.length !== rows * columns) {
    throw new RangeError(
      `Cannot pack: ${codes.length} codes, wanted ${
        rows * columns
      } for ${rows} x ${columns}`,
    );
  }
  const max = maxCode(bits);
  // A code too large would spill into its neighbours.
  for (let i = 0; i < codes.length; i++) {
    if (codes[i]! > max) {
      throw new RangeError(
        `Cannot pack: code ${i} is ${codes[i]}, wanted at most ${max}`,
      );
    }
  }
}

/**
 * An empty array for packed words.
 *
 * @param options Bits and shape of the codes.
 * @returns Zeros, as many as {@linkcode packedLength} says.
 */
export function emptyPacked(options: CodeMatrixOptions): Packed {
  const length = packedLength(options);
  return options.bits === 3 ? new Int32Array(length) : new Uint8Array(length);
}
