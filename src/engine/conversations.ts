import type { ChatHistory } from "./chat_history.ts";
import {
  keptByteLength,
  type KeptSequence,
  readSequence,
  type RunningKeys,
  writeSequence,
} from "./kept_sequence.ts";
import { planSwap, type Swap } from "./plan_swap.ts";
import { PromptCache, type PromptCacheStats } from "./prompt_cache.ts";
import type { Sequence } from "./sequence.ts";

/** What conversations are made of. */
export interface ConversationParts {
  /** The one that runs. */
  readonly sequence: Sequence;
  /** The ids of their turns. */
  readonly history: ChatHistory;
  /** Where keys and values of the one that runs are. */
  readonly keys: RunningKeys;
  /** Bytes of memory for those of the others; 0 keeps none. */
  readonly promptCacheBytes: number;
}

/**
 * The conversations of an engine: one runs, with its keys and values on the GPU,
 * and others wait in ordinary memory.
 */
export class Conversations implements Disposable {
  /** The ids of their turns. */
  readonly history: ChatHistory;
  #sequence: Sequence;
  #keys: RunningKeys;
  #cache: PromptCache<KeptSequence> | null;
  readonly #counts = {
    hits: 0,
    savedTokens: 0,
    keeps: 0,
    failures: 0,
    totalMs: 0,
  };

  /**
   * Constructs them with none waiting.
   *
   * @param parts What they are made of.
   */
  constructor(
    { sequence, history, keys, promptCacheBytes }: ConversationParts,
  ) {
    this.#sequence = sequence;
    this.history = history;
    this.#keys = keys;
    this.#cache = promptCacheBytes > 0
      ? new PromptCache(promptCacheBytes)
      : null;
  }

  /** The one that runs. */
  get sequence(): Sequence {
    return this.#sequence;
  }

  /** What waits, and what that was good for; `null` if none ever waits. */
  get promptCache(): PromptCacheStats | null {
    return this.#cache && { ...this.#cache.size, ...this.#counts };
  }

  /**
   * Goes on from the conversation that a prompt shares most with, and keeps the one
   * that ran so far. What fails is counted and costs time only: the prompt runs from
   * its start then.
   *
   * @param prompt The ids that are to run; none if others will take the place of all
   * that ran. More than the context holds are let be: nothing will run.
   * @throws {Error} If a generation is running.
   */
  async prepare(prompt: readonly number[]): Promise<void> {
    const { contextLength } = this.sequence.model;
    if (this.#cache === null || prompt.length > contextLength) return;
    using _hold = this.sequence.hold();
    const { ids } = this.sequence;
    await this.#swap(planSwap(ids, prompt, this.#cache.sequences), this.#cache);
  }

  /**
   * Goes on with another model of the same kind, on which nothing has run: those
   * that wait are good for it, the one that ran is gone.
   *
   * @param sequence The one that runs there, empty.
   * @param keys Where its keys and values are.
   */
  moveTo(sequence: Sequence, keys: RunningKeys): void {
    this.#sequence = sequence;
    this.#keys = keys;
  }

  /** Forgets those that wait. */
  [Symbol.dispose](): void {
    this.#cache = null;
  }

  async #swap(
    { keeps, back }: Swap<KeptSequence>,
    cache: PromptCache<KeptSequence>,
  ): Promise<void> {
    const start = performance.now();
    // First, so that it is the last one to make room.
    if (back !== null) cache.use(back.sequence);
    if (keeps) await this.#try(() => this.#keep(cache));
    if (back !== null) await this.#try(() => this.#bringBack(back));
    this.#counts.totalMs += performance.now() - start;
  }

  async #keep(cache: PromptCache<KeptSequence>): Promise<void> {
    const ids = [...this.sequence.ids];
    const byteLength = keptByteLength(ids.length, this.#keys);
    if (!cache.makeRoom(ids, byteLength)) return;
    cache.add(await readSequence(this.#keys, ids), byteLength);
    this.#counts.keeps++;
  }

  async #bringBack(
    { sequence, tokenCount, gain }: NonNullable<Swap<KeptSequence>["back"]>,
  ): Promise<void> {
    this.sequence.clear(); // what a failed write leaves on the GPU is unknown
    await writeSequence(this.#keys, sequence, tokenCount);
    for (const id of sequence.ids.subarray(0, tokenCount)) {
      this.sequence.accept(id);
    }
    this.#counts.hits++;
    this.#counts.savedTokens += gain;
  }

  /** A GPU that has failed may hold anything. */
  async #try(run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch {
      this.sequence.clear();
      this.#counts.failures++;
    }
  }
}
