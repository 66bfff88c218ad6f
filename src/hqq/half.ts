/**
 * Float16, the type in which HQQ checkpoints keep scales and zeros.
 *
 * Subnormals count: HQQ never lets a scale fall below 5e-5, which is 0x0347, a
 * subnormal half that published meta scales are full of. Shaders may flush it
 * to 0; these functions never do.
 *
 * @module
 */

/**
 * Rounds to the nearest float16, ties to even.
 *
 * @param x Any number.
 * @returns The nearest half, as a number; infinite from 65520 on.
 *
 * @example
 * ```ts
 * import { fround16 } from "hqq-ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(fround16(2049), 2048);
 * assertEquals(fround16(5e-5), 839 * 2 ** -24);
 * ```
 */
export function fround16(x: number): number {
  return Math.f16round(x);
}

/**
 * The number that 16 bits mean.
 *
 * @param bits The bits of a half, 0 to 0xffff.
 * @returns Its value, exactly.
 *
 * @example
 * ```ts
 * import { halfToNumber } from "hqq-ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(halfToNumber(0x3c00), 1);
 * assertEquals(halfToNumber(0x0347), 839 * 2 ** -24);
 * ```
 */
export function halfToNumber(bits: number): number {
  return new Float16Array(Uint16Array.of(bits).buffer)[0]!;
}

/**
 * The 16 bits of the nearest float16, ties to even.
 *
 * @param x Any number.
 * @returns The bits of a half, 0 to 0xffff.
 *
 * @example
 * ```ts
 * import { numberToHalf } from "hqq-ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(numberToHalf(-2), 0xc000);
 * assertEquals(numberToHalf(1 / 2e4), 0x0347);
 * ```
 */
export function numberToHalf(x: number): number {
  return new Uint16Array(Float16Array.of(x).buffer)[0]!;
}

/**
 * Decodes halves, exactly.
 *
 * @param bits The bits of the halves.
 * @returns As many numbers.
 *
 * @example
 * ```ts
 * import { halvesToFloat32 } from "hqq-ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(
 *   halvesToFloat32(Uint16Array.of(0x3800, 0x0001)),
 *   Float32Array.of(0.5, 2 ** -24),
 * );
 * ```
 */
export function halvesToFloat32(bits: Uint16Array): Float32Array<ArrayBuffer> {
  return new Float32Array(
    new Float16Array(bits.buffer, bits.byteOffset, bits.length),
  );
}

/**
 * Encodes numbers as the nearest halves, ties to even.
 *
 * @param x Numbers; from 65520 on they become infinite.
 * @returns The bits of as many halves.
 *
 * @example
 * ```ts
 * import { float32ToHalves } from "hqq-ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(
 *   float32ToHalves(Float32Array.of(0.5, -2)),
 *   Uint16Array.of(0x3800, 0xc000),
 * );
 * ```
 */
export function float32ToHalves(x: Float32Array): Uint16Array<ArrayBuffer> {
  return new Uint16Array(new Float16Array(x).buffer);
}
