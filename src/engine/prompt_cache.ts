import { sharedLength } from "./shared_length.ts";

/**
 * What a prompt cache holds, and what it was good for.
 *
 * @example
 * ```ts
 * import { loadSynthetic } from "../../mod.ts";
 * import { assertEquals } from "@std/assert";
 *
 * using engine = await loadSynthetic("tiny", { promptCacheBytes: 2 ** 20 });
 * const first = Array.from({ length: 20 }, (_, i) => i);
 * const second = first.map((id) => id + 20);
 * for (const prompt of [first, second, first]) {
 *   for await (const { final } of engine.generate(prompt, { maxTokens: 1 })) {
 *     if (final) console.error(`${final.cachedTokens} of 20 need not run`);
 *   }
 * }
 * assertEquals(engine.promptCache?.hits, 1);
 * assertEquals(engine.promptCache?.savedTokens, 19);
 * ```
 */
export interface PromptCacheStats {
  /** Bytes of the sequences that it holds. */
  readonly byteLength: number;
  /** The most bytes that it may hold. */
  readonly byteLimit: number;
  /** How many sequences it holds. */
  readonly count: number;
  /** How many prompts went on from a sequence of it. */
  readonly hits: number;
  /** How many tokens did not run again thanks to it. */
  readonly savedTokens: number;
  /** How many sequences were kept. */
  readonly keeps: number;
  /** How many were forgotten to make room. */
  readonly evictions: number;
  /** How often a sequence could not be kept or brought back. */
  readonly failures: number;
  /** Milliseconds that keeping and bringing back took. */
  readonly totalMs: number;
}

/** What a prompt cache needs to know of a sequence. */
interface Cached {
  readonly ids: ArrayLike<number>;
}

/**
 * Sequences that do not run now, the latest used ones, within so many bytes. It
 * knows their ids and sizes, and moves nothing.
 */
export class PromptCache<T extends Cached> {
  readonly #byteLimit: number;
  /** Each with its size, the one that was not used for longest first. */
  readonly #byteLengths = new Map<T, number>();
  #byteLength = 0;
  #evictions = 0;

  /**
   * Constructs an empty cache.
   *
   * @param byteLimit The most bytes that it may hold.
   */
  constructor(byteLimit: number) {
    this.#byteLimit = byteLimit;
  }

  /** The sequences, the latest used last. */
  get sequences(): Iterable<T> {
    return this.#byteLengths.keys();
  }

  /** How much it holds. */
  get size(): Pick<
    PromptCacheStats,
    "byteLength" | "byteLimit" | "count" | "evictions"
  > {
    return {
      byteLength: this.#byteLength,
      byteLimit: this.#byteLimit,
      count: this.#byteLengths.size,
      evictions: this.#evictions,
    };
  }

  /**
   * Makes room: forgets what a new sequence holds anyway, then what was not used for
   * longest.
   *
   * @param ids The ids of the new sequence.
   * @param byteLength Its size.
   * @returns Whether there is room now; `false` if it is larger than the cache, which
   * stays as it is then.
   */
  makeRoom(ids: ArrayLike<number>, byteLength: number): boolean {
    if (byteLength > this.#byteLimit) return false;
    for (const cached of this.sequences) {
      const { length } = cached.ids;
      if (sharedLength(cached.ids, ids) === length) this.#remove(cached);
    }
    for (const cached of this.sequences) {
      if (this.#byteLength + byteLength <= this.#byteLimit) break;
      this.#remove(cached);
      this.#evictions++;
    }
    return true;
  }

  /**
   * Adds a sequence that {@linkcode PromptCache.makeRoom} has made room for.
   *
   * @param sequence The sequence.
   * @param byteLength Its size.
   */
  add(sequence: T, byteLength: number): void {
    this.#byteLengths.set(sequence, byteLength);
    this.#byteLength += byteLength;
  }

  /**
   * Makes a sequence the latest used.
   *
   * @param sequence One that it holds.
   */
  use(sequence: T): void {
    const byteLength = this.#byteLengths.get(sequence)!;
    this.#byteLengths.delete(sequence);
    this.#byteLengths.set(sequence, byteLength);
  }

  #remove(sequence: T): void {
    this.#byteLength -= this.#byteLengths.get(sequence)!;
    this.#byteLengths.delete(sequence);
  }
}
