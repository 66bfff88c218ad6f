/** A model that is ready to talk. */

import type { ModelConfig } from "../model/config.ts";
import type { OffloadStats } from "../offload/offload_stats.ts";
import type { Message } from "../text/chat_template.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { ChatHistory } from "./chat_history.ts";
import { checkIds } from "./check_ids.ts";
import { Conversations } from "./conversations.ts";
import { type Experts, expertsOf } from "./experts.ts";
import {
  type EngineMemory,
  readState,
  type StateInfo,
  writeState,
} from "./engine_state.ts";
import type { EngineParts } from "./engine_parts.ts";
import { type DeviceParts, LastingModel } from "./lasting_model.ts";
import type { Piece } from "./generate.ts";
import {
  type GenerateOptions,
  resolveOptions,
  type Settings,
} from "./options.ts";
import type { ProfileReport } from "./profile_report.ts";
import type { PromptCacheStats } from "./prompt_cache.ts";
import { renderChat } from "./render_chat.ts";
import { collectRows, runLogits, runPrompt, turnOf } from "./run_prompt.ts";
import { Sequence } from "./sequence.ts";
import { chatEncoder, vocabularyOf } from "./vocabulary.ts";

/**
 * A loaded model: text in, text out. One conversation's keys and values stay on
 * the GPU, so what a prompt shares with the last one is not computed again; with
 * `promptCacheBytes` those of others wait in ordinary memory.
 */
export class Engine implements Disposable {
  /** What the model is. */
  readonly config: ModelConfig;
  /** The name of the model's directory. */
  readonly name: string;
  /** What people call the GPU. */
  readonly adapter: string;
  /** Positions of the KV cache. */
  readonly contextLength: number;
  /** Where the experts are, and what they do. */
  readonly experts: Experts;

  readonly #parts: EngineParts;
  readonly #lasting: LastingModel;
  readonly #conversations: Conversations;
  #prefixIds: readonly number[] = [];
  #isDisposed = false;

  /**
   * Constructs an engine; use `load()`.
   *
   * @param parts What it is made of.
   */
  constructor(parts: EngineParts) {
    const { model, gpu } = parts.device;
    this.#parts = parts;
    this.#lasting = new LastingModel(parts.device, {
      reload: parts.reload,
      onReload: ({ model }) =>
        this.#conversations.moveTo(this.#sequenceOf(model), model.kv),
    });
    this.config = model.config;
    this.name = parts.name;
    this.adapter = gpu.name;
    this.contextLength = model.contextLength;
    this.experts = expertsOf(parts.watch, () => this.#lasting.parts);
    this.#conversations = new Conversations({
      sequence: this.#sequenceOf(model),
      history: new ChatHistory(chatEncoder(() => this.tokenizer)),
      keys: model.kv,
      promptCacheBytes: parts.promptCacheBytes,
    });
  }

  /**
   * Text to ids and back.
   *
   * @throws {Error} If the model's directory has none.
   */
  get tokenizer(): Tokenizer {
    const { tokenizer } = this.#parts;
    if (tokenizer !== null) return tokenizer;
    throw new Error(
      `Cannot turn text into ids for ${this.name}: it has no tokenizer.json, wanted one, or a prompt of ids`,
    );
  }

  /**
   * Why nothing can run now: the GPU's device was lost. The next generation loads
   * the model again, or {@linkcode Engine.revive} does; `null` if all is well.
   */
  get loss(): Error | null {
    return this.#lasting.loss;
  }

  /** What offloading counted; `null` if all experts are on the GPU. */
  get offloadStats(): OffloadStats | null {
    return this.#lasting.parts.model.offloadStats;
  }

  /** What waits in the prompt cache; `null` unless loaded with one. */
  get promptCache(): PromptCacheStats | null {
    return this.#conversations.promptCache;
  }

  /** Where the GPU's time went so far; `null` unless loaded with `profile`. */
  get profile(): ProfileReport | null {
    return this.#lasting.parts.profile?.report(this.offloadStats) ?? null;
  }

  /**
   * Computes the logits of every position, from a clean start.
   *
   * @param ids Token ids, at least one and at most `contextLength`.
   * @returns Logits (ids.length, vocabSize), row by row.
   * @throws {RangeError} If there are no ids, too many, one that the vocabulary
   * does not have, or logits are no numbers.
   */
  async logits(ids: readonly number[]): Promise<Float32Array<ArrayBuffer>> {
    this.#checkIds("compute logits", ids);
    const length = ids.length * this.config.vocabSize;
    return await collectRows(this.logitRows(ids), length);
  }

  /**
   * Computes the logits of every position, from a clean start, without having all
   * of them in memory at once.
   *
   * @param ids Token ids, at least one and at most `contextLength`.
   * @returns Logits (n, vocabSize) of some positions after the other.
   * @throws {RangeError} If there are no ids, too many, one that the vocabulary
   * does not have, or logits are no numbers.
   */
  async *logitRows(
    ids: readonly number[],
  ): AsyncGenerator<Float32Array<ArrayBuffer>, void> {
    this.#checkIds("compute logits", ids);
    yield* this.#lasting.stream(({ model }) =>
      runLogits({ model, conversations: this.#conversations }, ids)
    );
  }

  /**
   * Continues a text.
   *
   * @param prompt A text, which gets the model's start token in front, or ids,
   * which are taken as they are.
   * @param options How to pick tokens, and when to stop.
   * @returns A piece for each token; the last one carries the record.
   * @throws {RangeError} If the prompt is empty or an option is out of range, and
   * its kind `ContextLengthError` if the prompt is longer than the context.
   */
  async *generate(
    prompt: string | readonly number[],
    options: GenerateOptions = {},
  ): AsyncGenerator<Piece, void> {
    const settings = resolveOptions(options, this.#parts.defaults);
    const ids = typeof prompt === "string"
      ? this.tokenizer.encode(prompt)
      : prompt;
    if (ids.length > 0) this.#checkIds("generate", ids, Infinity);
    yield* this.#run(ids, settings, ids); // in the middle of a sentence
  }

  /**
   * Answers the last message of a conversation.
   *
   * @param messages The conversation so far.
   * @param options How to pick tokens, and when to stop.
   * @returns A piece for each token; the last one carries the record.
   * @throws {Error} If the model has no chat template, or its template refuses
   * the messages.
   */
  async *chat(
    messages: readonly Message[],
    options: GenerateOptions = {},
  ): AsyncGenerator<Piece, void> {
    const settings = resolveOptions(options, this.#parts.defaults);
    this.#checkAlive("chat");
    const prompt = renderChat(this.#parts, messages);
    const { history } = this.#conversations;
    const ids = history.encode(prompt);
    // An answer starts a text of its own.
    for await (const piece of this.#run(ids, settings, [])) {
      const turn = piece.final && turnOf(this.tokenizer, piece.final);
      if (turn) history.remember({ prompt, promptIds: ids, ...turn });
      yield piece;
    }
  }

  /**
   * Makes the prompt of a conversation, as `chat()` runs it.
   *
   * @param messages The conversation so far.
   * @returns Its ids.
   * @throws {Error} If the model has no chat template, or its template refuses
   * the messages.
   */
  chatIds(messages: readonly Message[]): readonly number[] {
    const prompt = renderChat(this.#parts, messages);
    return this.#conversations.history.encode(prompt);
  }

  /**
   * Writes what has run, with its keys and values, to a file.
   *
   * @param path The file to make or to replace.
   * @param of A conversation with the next message: only what its prompt begins with
   * is written, and the engine forgets what else has run. By default all is written.
   * @returns How many tokens and bytes it was.
   * @throws {Error} If nothing has run, the context is full, another generation is
   * running, or the file cannot be written.
   */
  async saveState(path: string, of?: readonly Message[]): Promise<StateInfo> {
    const ids = of && this.chatIds(of);
    return await this.#use("save state", (it) => writeState(path, it, ids));
  }

  /**
   * Reads what {@linkcode Engine.saveState} wrote: a prompt that begins with the
   * same ids does not run them again, and gives the same logits to the last bit.
   *
   * @param path The file.
   * @returns How many tokens and bytes it was.
   * @throws {Error} If the file cannot be read, holds no state, or that of another
   * model, device or setting.
   */
  async loadState(path: string): Promise<StateInfo> {
    return await this.#use("load state", (memory) => readState(path, memory));
  }

  /**
   * Loads the model again if {@linkcode Engine.loss} says so, else does nothing.
   *
   * @throws {DeviceLostError} If it cannot be loaded.
   */
  async revive(): Promise<void> {
    this.#checkAlive("load the model again");
    await this.#lasting.revive();
  }

  /** Frees the GPU's memory. The engine is of no use after it. */
  [Symbol.dispose](): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#conversations[Symbol.dispose]();
    this.#lasting[Symbol.dispose]();
    this.#parts.owned[Symbol.dispose]();
  }

  async #use<T>(
    action: string,
    use: (memory: EngineMemory) => Promise<T>,
  ): Promise<T> {
    this.#checkAlive(action);
    return await this.#lasting.run(({ model }) => {
      const { sequence, history } = this.#conversations;
      return use({ name: this.name, model, sequence, history });
    });
  }

  #sequenceOf(model: DeviceParts["model"]): Sequence {
    const { tokenizer } = this.#parts;
    return new Sequence(model, vocabularyOf(tokenizer, () => this.#prefixIds));
  }

  async *#run(
    ids: readonly number[],
    settings: Settings,
    prefixIds: readonly number[],
  ): AsyncGenerator<Piece, void> {
    const biased = [...settings.logitBias.keys()];
    if (biased.length > 0) this.#checkIds("bias logits", biased, Infinity);
    yield* this.#lasting.stream(({ model }) => {
      this.#prefixIds = prefixIds;
      const place = { model, conversations: this.#conversations };
      return runPrompt(place, ids, settings);
    }, settings.signal);
  }

  #checkAlive(action: string): void {
    if (!this.#isDisposed) return;
    throw new Error(`Cannot ${action}: the engine has been disposed of`);
  }

  #checkIds(
    action: string,
    ids: readonly number[],
    limit = this.contextLength,
  ): void {
    this.#checkAlive(action);
    checkIds(action, ids, { limit, vocabSize: this.config.vocabSize });
  }
}
