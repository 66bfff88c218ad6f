/** Random numbers that made-up tensors are cut from. */

/** Bytes of a pool: prime, so that the rows of a matrix differ. */
const BYTE_COUNT = 1_048_573;

/** Words of the pool of 3-bit codes, and halves of a pool of floats: primes. */
const WORD_COUNT = 262_139;
const HALF_COUNT = 524_287;

/** What a pool's numbers are. */
export interface Pools {
  /** Codes of 8, 4 or 2 bits. */
  readonly codes: Uint8Array;
  /** Codes of 3 bits: words whose two top bits are zero. */
  readonly codes3: Uint32Array;
  /** Codes of scales: 128 to 131, so that the scales of a matrix are alike. */
  readonly scaleCodes: Uint8Array;
  /** Codes of zeros: 128 to 191, 159.5 on average. */
  readonly zeroCodes: Uint8Array;
  /** Float16 of a standard deviation and mean 0, evenly spread. */
  halves(deviation: number): Uint16Array<ArrayBuffer>;
}

/** The mean of `scaleCodes`. */
export const MEAN_SCALE_CODE = 129.5;

/** The mean of `zeroCodes`. */
export const MEAN_ZERO_CODE = 159.5;

/**
 * Makes pools. They are small enough to stay in the CPU's cache, so that
 * cutting is as fast as memory can be written.
 *
 * @param seed Same seed, same pools.
 * @returns The pools; those of floats are made when they are asked for.
 */
export function makePools(seed: number): Pools {
  const words = randomWords(Math.ceil(BYTE_COUNT / 4), seed);
  const codes = new Uint8Array(words.buffer, 0, BYTE_COUNT);
  const halves = new Map<number, Uint16Array<ArrayBuffer>>();
  return {
    codes,
    codes3: words.subarray(0, WORD_COUNT).map((word) => word & 0x3fffffff),
    scaleCodes: codes.map((byte) => (byte & 0x03) | 0x80),
    zeroCodes: codes.map((byte) => (byte & 0x3f) | 0x80),
    halves(deviation) {
      let pool = halves.get(deviation);
      if (pool === undefined) {
        pool = randomHalves(deviation, seed);
        halves.set(deviation, pool);
      }
      return pool;
    },
  };
}

/**
 * Fills an array from a pool, which is repeated as often as it takes.
 *
 * @param pool The pool.
 * @param start The element to begin with, any whole number from 0.
 * @param into What to fill.
 */
export function cut<T extends Uint8Array | Uint16Array | Uint32Array>(
  pool: T,
  start: number,
  into: T,
): void {
  let from = start % pool.length;
  for (let at = 0; at < into.length;) {
    const piece = pool.subarray(from, from + into.length - at);
    into.set(piece, at);
    at += piece.length;
    from = 0;
  }
}

/**
 * Where a tensor's cut begins.
 *
 * @param name Its name.
 * @returns FNV-1a of it, 32 bits.
 */
export function cutStart(name: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) {
    value = Math.imul(value ^ name.charCodeAt(i), 0x01000193) >>> 0;
  }
  return value;
}

/** A multiplicative generator is random enough for weights. */
function randomWords(count: number, seed: number): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(count);
  let state = (seed * 2 + 1) >>> 0;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    words[i] = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
  }
  return words;
}

function randomHalves(
  deviation: number,
  seed: number,
): Uint16Array<ArrayBuffer> {
  const words = randomWords(HALF_COUNT, seed + 1);
  // Evenly spread numbers of [-1, 1] have a standard deviation of 1/sqrt(3).
  const most = deviation * Math.sqrt(3);
  const floats = new Float16Array(HALF_COUNT);
  for (let i = 0; i < HALF_COUNT; i++) {
    floats[i] = (words[i]! / 2 ** 31 - 1) * most;
  }
  return new Uint16Array(floats.buffer);
}
