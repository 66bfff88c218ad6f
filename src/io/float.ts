/**
 * Floats as files hold them, to `Float32Array` and back.
 *
 * Bytes are little-endian, as is every machine that WebGPU runs on.
 *
 * @module
 */

/** The element types that {@linkcode decodeFloats} reads. */
export type FloatDtype = "F64" | "F32" | "F16" | "BF16";

const BYTES_PER_ELEMENT = { F64: 8, F32: 4, F16: 2, BF16: 2 } as const;

/**
 * Tells whether a dtype is one that {@linkcode decodeFloats} reads.
 *
 * @param dtype The name of an element type.
 * @returns Whether it is.
 */
export function isFloatDtype(dtype: string): dtype is FloatDtype {
  return Object.hasOwn(BYTES_PER_ELEMENT, dtype);
}

/**
 * Reads floats. F32, F16 and BF16 are exact, subnormals included; F64 is
 * rounded to nearest, ties to even.
 *
 * @param bytes The little-endian bytes of n elements, at any alignment.
 * @param dtype Their element type.
 * @returns A new array (n), which shares no memory with `bytes`.
 * @throws {RangeError} If the bytes are not whole elements.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { decodeFloats } from "./float.ts";
 *
 * assertEquals(
 *   decodeFloats(Uint8Array.of(0x80, 0x3f, 0x00, 0xc0), "BF16"),
 *   Float32Array.of(1, -2),
 * );
 * ```
 */
export function decodeFloats(
  bytes: Uint8Array,
  dtype: FloatDtype,
): Float32Array<ArrayBuffer> {
  if (bytes.byteLength % BYTES_PER_ELEMENT[dtype] !== 0) {
    throw new RangeError(
      `Cannot read floats: ${bytes.byteLength} bytes, wanted a multiple of ${
        BYTES_PER_ELEMENT[dtype]
      } for ${dtype}`,
    );
  }
  if (dtype === "F32") return new Float32Array(bytes.slice().buffer);
  const source = alignTo(bytes, BYTES_PER_ELEMENT[dtype]);
  const range = [source.buffer, source.byteOffset] as const;
  const count = bytes.byteLength / BYTES_PER_ELEMENT[dtype];
  if (dtype === "F64") {
    return new Float32Array(new Float64Array(...range, count));
  }

  const result = new Float32Array(count);
  if (dtype === "F16") {
    // A loop takes half the time of `new Float32Array(halves)`.
    const halves = new Float16Array(...range, count);
    for (let i = 0; i < count; i++) result[i] = halves[i]!;
  } else {
    const halves = new Uint16Array(...range, count);
    const words = new Uint32Array(result.buffer);
    for (let i = 0; i < count; i++) words[i] = halves[i]! << 16;
  }
  return result;
}

/**
 * Writes floats. F16 and BF16 are rounded to nearest, ties to even; what is too
 * large becomes infinite, and NaN stays NaN.
 *
 * @param values The values (n).
 * @param dtype Their element type in the file.
 * @returns The little-endian bytes of n elements.
 */
export function encodeFloats(
  values: Float32Array,
  dtype: FloatDtype,
): Uint8Array<ArrayBuffer> {
  if (dtype === "F64") return new Uint8Array(new Float64Array(values).buffer);
  if (dtype === "F32") return new Uint8Array(values.slice().buffer);
  const count = values.length;
  if (dtype === "F16") {
    const halves = new Float16Array(count);
    for (let i = 0; i < count; i++) halves[i] = values[i]!;
    return new Uint8Array(halves.buffer);
  }

  const halves = new Uint16Array(count);
  const words = new Uint32Array(values.buffer, values.byteOffset, count);
  for (let i = 0; i < count; i++) {
    const word = words[i]!;
    const isNan = (word & 0x7fffffff) > 0x7f800000;
    halves[i] = isNan
      ? (word >>> 16) | 0x40 // rounding could carry a NaN into infinity
      : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return new Uint8Array(halves.buffer);
}

/** A typed array may only begin at a multiple of its element length. */
function alignTo(bytes: Uint8Array, byteLength: number): Uint8Array {
  return bytes.byteOffset % byteLength === 0 ? bytes : bytes.slice();
}
