/**
 * Makes a seeded generator of numbers in [0, 1): sfc32, Chris Doty-Humphrey's
 * small fast counter generator. It is not for secrets.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { seededRandom } from "./random.ts";
 *
 * assertEquals(seededRandom(7)(), seededRandom(7)());
 * ```
 *
 * @param seed An integer from 0 to 2^53 - 1; all of its bits count.
 * @returns The generator: the same seed gives the same numbers.
 */
export function seededRandom(seed: number): () => number {
  let a = 0x9e3779b9;
  let b = seed >>> 0;
  let c = Math.floor(seed / 2 ** 32) >>> 0;
  let counter = 1;
  function next(): number {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum | 0;
    return (sum >>> 0) / 2 ** 32;
  }
  // Seeds that differ in one bit must not begin alike.
  for (let i = 0; i < 16; i++) next();
  return next;
}

/**
 * Picks a seed that nobody chose.
 *
 * @returns An integer from 0 to 2^32 - 1.
 */
export function freshSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}
