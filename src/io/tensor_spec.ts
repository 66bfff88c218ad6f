/**
 * Tensors as a file describes them: name, dtype, shape, place.
 *
 * @module
 */

import { showJson } from "./show_json.ts";

/** Bits of one element, for every dtype of the format. */
export const BITS_PER_ELEMENT = {
  BOOL: 8,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E5M2FNUZ: 8,
  F8_E4M3FNUZ: 8,
  F8_E8M0: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  F64: 64,
  I64: 64,
  U64: 64,
  C64: 64,
} as const;

/** The name of an element type. */
export type Dtype = keyof typeof BITS_PER_ELEMENT;

/** What a tensor is, without where it lies. */
export interface TensorSpec {
  /** Its name in the file. */
  readonly name: string;
  /** Its element type. */
  readonly dtype: Dtype;
  /** Its dimensions, outermost first; a scalar has none. */
  readonly shape: readonly number[];
}

/** A tensor of a file. */
export interface TensorInfo extends TensorSpec {
  /** Its first byte, counted from the start of the file. */
  readonly begin: number;
  /** The byte after its last, counted from the start of the file. */
  readonly end: number;
}

/**
 * Counts the bytes of a tensor.
 *
 * @param spec Its dtype and shape.
 * @returns The byte length.
 * @throws {RangeError} If it is above 2^53, or not a whole number of bytes.
 */
export function tensorByteLength(
  spec: Pick<TensorSpec, "dtype" | "shape">,
): number {
  let bitLength = 1;
  for (const dimension of [...spec.shape, BITS_PER_ELEMENT[spec.dtype]]) {
    bitLength *= dimension;
    if (bitLength > Number.MAX_SAFE_INTEGER) {
      throw new RangeError(
        `shape ${
          showJson(spec.shape)
        } has too many elements, wanted fewer than 2^53 bits`,
      );
    }
  }
  if (bitLength % 8 !== 0) {
    throw new RangeError(
      `shape ${
        showJson(spec.shape)
      } of ${spec.dtype} has ${bitLength} bits, wanted whole bytes`,
    );
  }
  return bitLength / 8;
}

/**
 * Tells whether a name is a dtype of the format.
 *
 * @param name Any text.
 * @returns Whether it is one.
 */
export function isDtype(name: string): name is Dtype {
  return Object.hasOwn(BITS_PER_ELEMENT, name);
}
