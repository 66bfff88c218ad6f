/** Seeded numbers for tests. */

/** A generator of numbers: same seed, same numbers. */
export class Random {
  /** Where it began. */
  readonly seed: number;
  #state: number;

  /**
   * Begins a sequence.
   *
   * @param seed A whole number.
   */
  constructor(seed: number) {
    this.seed = seed;
    this.#state = seed >>> 0;
  }

  /** The next number of [0, 1): "mulberry32" (Tommy Ettinger, public domain). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number of [0, limit). */
  integer(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** Numbers of a bell curve around 0. */
  normal(count: number, deviation = 1): Float32Array<ArrayBuffer> {
    return Float32Array.from({ length: count }, () => {
      const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
      return deviation * radius * Math.cos(2 * Math.PI * this.next());
    });
  }

  /** Whole numbers of [0, limit). */
  integers(count: number, limit: number): number[] {
    return Array.from({ length: count }, () => this.integer(limit));
  }
}

/**
 * Runs a part of a test with seeded numbers; a failure names the seed.
 *
 * @param seed The seed.
 * @param fn The part.
 * @returns What it returns.
 */
export async function withRandom<T>(
  seed: number,
  fn: (random: Random) => T | Promise<T>,
): Promise<T> {
  try {
    return await fn(new Random(seed));
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`With seed ${seed}: ${message}`, { cause: error });
  }
}
