import { type Inspected, nonFiniteError } from "./non_finite_error.ts";
import type { ResponseFormat } from "./response_format.ts";
import { sharedLength } from "./shared_length.ts";

/** What the token loop needs of a model. */
export interface TokenModel extends Inspected {
  /** How many positions the KV cache holds. */
  readonly contextLength: number;
  /**
   * The most ids to run at once. A longer prompt is run piece by piece, so
   * that it can be cancelled in between.
   *
   * @default {Infinity}
   */
  readonly chunkSize?: number;
  /**
   * Runs the ids at positions position, position + 1, …
   *
   * @returns The logits of the last one (vocabSize), valid until the next call.
   */
  forward(ids: readonly number[], position: number): Promise<Float32Array>;
  /**
   * The most tokens that `pickAhead()` picks at once; 0 if it cannot now.
   *
   * @default {0}
   */
  readonly aheadLimit?: number;
  /**
   * Runs an id and those that are most probable after it but for the last, without
   * a word from the host.
   *
   * @returns The `count` ids that were picked; fewer if logits hold NaN or infinity.
   */
  pickAhead?(
    id: number,
    where: { position: number; count: number },
  ): Promise<number[]>;
}

/** Ids, one by one, to text. */
export interface IncrementalDecoder {
  /** Takes the next id; returns the text that is certain now, perhaps "". */
  push(id: number): string;
  /** Ends the text; returns what was held back. */
  flush(): string;
}

/** Holds a text to a format, token by token. */
export interface TokenConstraint {
  /** Whether the text is whole, and nothing may follow it. */
  readonly isComplete: boolean;
  /**
   * Forbids what does not fit.
   *
   * @param logits Those of the next token (vocabSize); -Infinity where it must not be.
   * @param eosIds Tokens that end the text.
   */
  forbid(logits: Float32Array, eosIds: readonly number[]): void;
  /** Goes on behind a token, which must fit. */
  accept(id: number): void;
}

/** What the token loop needs of a tokenizer. */
export interface Vocabulary {
  /**
   * What holds a text to a format; `null` if nothing has to.
   *
   * @throws {RangeError} If texts cannot be held to it.
   */
  constraint?(format: ResponseFormat): TokenConstraint | null;
  /** Begins the text that continues the prompt's. */
  decoder(prompt: readonly number[]): IncrementalDecoder;
  /** The text of one token on its own, for lists of candidates. */
  tokenText(id: number): string;
}

/**
 * The ids whose keys and values are in the model's KV cache. A new prompt that
 * begins with the same ids does not run them again. One model has one KV cache:
 * make one sequence for it.
 */
export class Sequence {
  /** The model. */
  readonly model: TokenModel;
  /** Its tokens as text. */
  readonly vocabulary: Vocabulary;
  #ids: number[] = [];
  #isHeld = false;
  /** What ran last. */
  #latest: { tokens: readonly number[]; position: number } | null = null;

  /**
   * Makes a sequence with nothing in it.
   *
   * @param model The model, with an empty KV cache.
   * @param vocabulary Its tokens as text.
   */
  constructor(model: TokenModel, vocabulary: Vocabulary) {
    this.model = model;
    this.vocabulary = vocabulary;
  }

  /** The ids whose keys and values are in the KV cache. */
  get ids(): readonly number[] {
    return this.#ids;
  }

  /** Forgets everything: the next prompt runs whole. */
  clear(): void {
    this.truncate(0);
  }

  /**
   * Forgets all ids but the first.
   *
   * @param count How many are kept, at most `this.ids.length`.
   */
  truncate(count: number): void {
    this.#ids.length = count;
  }

  /**
   * Takes the sequence for one generation.
   *
   * @returns Gives it back when disposed of.
   * @throws {Error} If another generation has it.
   */
  hold(): Disposable {
    if (this.#isHeld) {
      throw new Error(
        "Cannot generate: another generation is running on this engine; " +
          "read it to its end, or return() its iterator, first",
      );
    }
    this.#isHeld = true;
    return { [Symbol.dispose]: () => void (this.#isHeld = false) };
  }

  /**
   * How many ids at the start of a prompt need not be run: all that are in the
   * cache, but never the last one, whose logits are wanted.
   *
   * @param ids The prompt.
   * @returns The count.
   */
  reusable(ids: readonly number[]): number {
    return Math.max(0, Math.min(sharedLength(this.#ids, ids), ids.length - 1));
  }

  /**
   * Runs ids and remembers that they are in the cache. If the model fails, the
   * cache counts as empty.
   *
   * @param ids At least one.
   * @param position Where the first one stands, at most `this.ids.length`.
   * @returns The logits of the last one (vocabSize), valid until the next call.
   */
  run(ids: readonly number[], position: number): Promise<Float32Array> {
    return this.#run(ids, position, () => this.model.forward(ids, position));
  }

  /**
   * Runs an id, and those that are most probable after it but for the last. Only
   * the first counts as run: the cache holds more, but nobody may have asked for it
   * yet.
   *
   * @param id The id.
   * @param where Its position, at most `this.ids.length`, and how many ids to pick,
   * at most the model's `aheadLimit`.
   * @returns The ids that were picked; fewer if logits hold NaN or infinity.
   */
  pickAhead(
    id: number,
    where: { position: number; count: number },
  ): Promise<number[]> {
    const pick = () => this.model.pickAhead!(id, where);
    return this.#run([id], where.position, pick);
  }

  /**
   * Counts an id as run that {@linkcode Sequence.pickAhead} has run.
   *
   * @param id The next one of those that were picked.
   */
  accept(id: number): void {
    this.#ids.push(id);
  }

  /**
   * Makes the error for logits of the latest run that are no numbers.
   *
   * @returns The error, which says where it began if the model can tell.
   */
  async nonFiniteError(): Promise<RangeError> {
    const { tokens, position } = this.#latest!;
    const row = tokens.length - 1;
    return await nonFiniteError(this.model, { tokens, position, row });
  }

  async #run<T>(
    ids: readonly number[],
    position: number,
    run: () => Promise<T>,
  ): Promise<T> {
    this.#latest = { tokens: ids, position };
    const kept = this.#ids;
    kept.length = position;
    this.#ids = []; // what a failed run leaves in the cache is unknown
    const result = await run();
    for (const id of ids) kept.push(id);
    this.#ids = kept;
    return result;
  }
}
