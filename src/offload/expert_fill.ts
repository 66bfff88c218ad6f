/** Fills a store with experts, several at once, while others already use it. */

import { forEachParallel } from "../io/for_each_parallel.ts";
import type { ExpertRange, ReadExpert, StoreShape } from "./host_store.ts";

/** Bytes of experts that are on their way at the same time. */
const FILL_BYTE_LENGTH = 256 * 2 ** 20;

/** Experts on their way at the same time, however small they are. */
const FILL_LIMIT = 8;

/** Options for {@linkcode ExpertFill}. */
export interface ExpertFillOptions {
  /** How many experts there are. */
  readonly count: number;
  /** How many of them may be on their way at the same time. */
  readonly limit: number;
  /** Reads an expert, by its number among them. */
  readonly read: (index: number) => Promise<Uint8Array<ArrayBuffer>>;
  /** Puts an expert that was read where it belongs. */
  readonly keep: (index: number, bytes: Uint8Array<ArrayBuffer>) => void;
}

/** What a store is to be filled with, and how. */
export interface FilledStoreOptions extends StoreShape {
  /** Fills an expert's bytes. */
  readonly readExpert: ReadExpert;
  /** Which experts to hold. */
  readonly range: ExpertRange;
  /**
   * The most experts that are read at the same time.
   *
   * @default {number} see {@linkcode fillLimit}
   */
  readonly readLimit?: number | undefined;
  /**
   * Whether to return before the store is full: what is not there is brought in
   * when it is asked for.
   *
   * @default {false}
   */
  readonly isBackground?: boolean | undefined;
  /** Called after each expert, in any order. */
  readonly onExpert?: (() => void) | undefined;
}

/**
 * Brings experts in, in order and each once. Whoever needs one that is not there
 * yet gets it at once, ahead of the queue.
 *
 * After a failure no other is begun: {@linkcode ExpertFill.bring} throws it for
 * all that are not there.
 */
export class ExpertFill implements Disposable {
  readonly #options: ExpertFillOptions;
  /** By expert: settles when it is there; `undefined` if nobody asked yet. */
  readonly #arrivals: (Promise<void> | undefined)[];
  readonly #isThere: boolean[];
  #failure: { readonly error: unknown } | null = null;
  #isStopped = false;
  /**
   * Settles after the last expert, or after the first failure and what was in
   * flight then. A failure that nobody awaits here is no unhandled rejection.
   */
  readonly finished: Promise<void>;

  /**
   * Begins to fill.
   *
   * @param options How many experts there are, and how to bring one in.
   */
  constructor(options: ExpertFillOptions) {
    this.#options = options;
    this.#arrivals = Array(options.count);
    this.#isThere = Array<boolean>(options.count).fill(false);
    this.finished = forEachParallel(this.#queue(), {
      limit: options.limit,
      run: (index) => this.bring(index),
    });
    this.finished.catch(() => {});
  }

  /**
   * Tells whether an expert is there. Once it is, it stays.
   *
   * @param index Its number.
   * @returns Whether it is.
   */
  has(index: number): boolean {
    return this.#isThere[index]!;
  }

  /**
   * Brings an expert in now, or waits until it is there if it is on its way.
   *
   * @param index Its number.
   * @throws {Error} If it, or one before it, could not be read; or after the end.
   */
  async bring(index: number): Promise<void> {
    if (this.#isThere[index]) return;
    await (this.#arrivals[index] ??= this.#load(index));
  }

  async #load(index: number): Promise<void> {
    this.#check();
    try {
      const bytes = await this.#options.read(index);
      this.#check();
      this.#options.keep(index, bytes);
    } catch (error) {
      this.#failure ??= { error };
      throw error;
    }
    this.#isThere[index] = true;
  }

  #check(): void {
    if (this.#failure !== null) throw this.#failure.error;
    if (this.#isStopped) {
      throw new Error(
        "Cannot read an expert: its store is disposed of, wanted an open one",
      );
    }
  }

  /** Experts in order; it waits for those that someone else asked for. */
  *#queue(): Generator<number> {
    for (let index = 0; index < this.#options.count; index++) {
      if (this.#isStopped) return;
      if (!this.#isThere[index]) yield index;
    }
  }

  /** Stops it. What is in flight comes to its end, and is thrown away. */
  [Symbol.dispose](): void {
    this.#isStopped = true;
  }
}

/**
 * Says how many experts may be on their way at the same time: enough to keep a
 * disk busy, and few enough for little memory.
 *
 * @param expertByteLength Bytes of an expert.
 * @returns The number, at least 1.
 */
export function fillLimit(expertByteLength: number): number {
  const most = Math.floor(FILL_BYTE_LENGTH / expertByteLength);
  return Math.max(1, Math.min(FILL_LIMIT, most));
}
