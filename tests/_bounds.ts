/**
 * How far float32 may be from the exact result.
 *
 * A sum of n products in float32, in any order, is off by at most n roundings of
 * the sum of the absolute products (Higham, "Accuracy and Stability of Numerical
 * Algorithms", 3.1). WGSL allows some functions a few roundings more.
 */

import type { Vector } from "../src/model/plain_math.ts";

/** One rounding, relative: half a unit in the last place. */
export const ROUNDING = 2 ** -24;

/** Roundings besides those of a sum: scale, zero, a division, the last add. */
const EXTRA = 16;

/**
 * Bounds the relative error of a sum, as a share of its absolute terms.
 *
 * @param count How many terms.
 * @returns The share.
 */
export function sumShare(count: number): number {
  return (count + EXTRA) * ROUNDING;
}

/**
 * Bounds the relative error of `exp(x)`: WGSL allows 3 + 2 |x| units in the last
 * place, which are two roundings each.
 *
 * @param x The largest |x|.
 * @returns The relative error.
 */
export function expShare(x: number): number {
  return 2 * (3 + 2 * Math.abs(x)) * ROUNDING;
}

/**
 * Takes absolute values.
 *
 * @param x Numbers.
 * @returns |x|.
 */
export function magnitudes(x: Vector): Float64Array {
  return Float64Array.from(x, Math.abs);
}

/**
 * Fails unless every value is as near to the expected one as its bound says.
 * Reports the worst and how many are wrong.
 *
 * @param actual What the GPU gave.
 * @param expected What is right.
 * @param options What the values are, and the bound of each (or of all).
 */
export function assertWithin(
  actual: Vector,
  expected: Vector,
  { what, bounds }: { what: string; bounds: Vector | number },
): void {
  if (actual.length !== expected.length) {
    throw new Error(
      `${what}: got ${actual.length} values, wanted ${expected.length}`,
    );
  }
  let worst = 0;
  let worstAt = -1;
  let wrongCount = 0;
  for (let i = 0; i < actual.length; i++) {
    const bound = typeof bounds === "number" ? bounds : bounds[i]!;
    const difference = Math.abs(actual[i]! - expected[i]!);
    if (difference <= bound) continue;
    wrongCount++;
    const excess = bound > 0 ? difference / bound : Infinity;
    if (excess > worst || worstAt < 0 || Number.isNaN(excess)) {
      worst = excess;
      worstAt = i;
    }
  }
  if (wrongCount === 0) return;
  const bound = typeof bounds === "number" ? bounds : bounds[worstAt]!;
  throw new Error(
    `${what}: ${wrongCount} of ${actual.length} values are wrong, such as number ${worstAt}: got ${
      actual[worstAt]
    }, wanted ${expected[worstAt]} within ${bound}`,
  );
}
