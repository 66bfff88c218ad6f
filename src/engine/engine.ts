/** A model that is ready to talk. */

import type { Gpu } from "../gpu/device.ts";
import type { ModelConfig } from "../model/config.ts";
import type { Mixtral } from "../model/mixtral.ts";
import type { Plan } from "../offload/placement.ts";
import { differenceOf, type OffloadStats } from "../offload/offload_stats.ts";
import type { ChatTemplate, Message } from "../text/chat_template.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { ChatHistory } from "./chat_history.ts";
import { type Experts, expertsOf } from "./experts.ts";
import type { GenerationDefaults } from "./generation_config.ts";
import {
  type EngineMemory,
  readState,
  type StateInfo,
  writeState,
} from "./engine_state.ts";
import { generate, type GenerateResult, type Piece } from "./generate.ts";
import {
  type GenerateOptions,
  resolveOptions,
  type Settings,
} from "./options.ts";
import type { ModelProfile } from "./profile_model.ts";
import type { ProfileReport } from "./profile_report.ts";
import { Sequence } from "./sequence.ts";
import { specialTokens, vocabularyOf } from "./vocabulary.ts";

/** What an engine is made of. */
export interface EngineParts {
  readonly name: string;
  readonly gpu: Gpu;
  readonly model: Mixtral;
  readonly plan: Plan;
  readonly profile: ModelProfile | null;
  readonly tokenizer: Tokenizer | null;
  readonly chatTemplate: ChatTemplate | null;
  readonly defaults: GenerationDefaults;
  readonly owned: Disposable;
}

/**
 * A loaded model: text in, text out. One conversation's keys and values stay on
 * the GPU, so what a prompt shares with the last one is not computed again.
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
  readonly #sequence: Sequence;
  readonly #history: ChatHistory;
  #prefixIds: readonly number[] = [];
  #isDisposed = false;

  /**
   * Constructs an engine; use `load()`.
   *
   * @param parts What it is made of.
   */
  constructor(parts: EngineParts) {
    const { model } = parts;
    this.#parts = parts;
    this.config = model.config;
    this.name = parts.name;
    this.adapter = parts.gpu.name;
    this.contextLength = model.contextLength;
    this.experts = expertsOf(model, parts.plan);
    // The template writes start and end tokens itself.
    this.#history = new ChatHistory({
      encode: (text) =>
        this.tokenizer.encode(text, { addSpecialTokens: false }),
      startsWithSpecialToken: (text) =>
        specialTokens(this.tokenizer).some((token) => text.startsWith(token)),
    });
    this.#sequence = new Sequence(
      model,
      vocabularyOf(parts.tokenizer, () => this.#prefixIds),
    );
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

  /** What offloading counted; `null` if all experts are on the GPU. */
  get offloadStats(): OffloadStats | null {
    return this.#parts.model.offloadStats;
  }

  /** Where the GPU's time went so far; `null` unless loaded with `profile`. */
  get profile(): ProfileReport | null {
    return this.#parts.profile?.report(this.offloadStats) ?? null;
  }

  /**
   * Computes the logits of every position, from a clean start.
   *
   * @param ids Token ids, at least one and at most `contextLength`.
   * @returns Logits (ids.length, vocabSize), row by row.
   * @throws {RangeError} If there are no ids, too many, or one that the
   * vocabulary does not have.
   */
  async logits(ids: readonly number[]): Promise<Float32Array<ArrayBuffer>> {
    this.#checkIds("compute logits", ids);
    const logits = new Float32Array(ids.length * this.config.vocabSize);
    let at = 0;
    for await (const rows of this.logitRows(ids)) {
      logits.set(rows, at);
      at += rows.length;
    }
    return logits;
  }

  /**
   * Computes the logits of every position, from a clean start, without having all
   * of them in memory at once.
   *
   * @param ids Token ids, at least one and at most `contextLength`.
   * @returns Logits (n, vocabSize) of some positions after the other.
   * @throws {RangeError} If there are no ids, too many, or one that the
   * vocabulary does not have.
   */
  async *logitRows(
    ids: readonly number[],
  ): AsyncGenerator<Float32Array<ArrayBuffer>, void> {
    this.#checkIds("compute logits", ids);
    using _hold = this.#sequence.hold();
    this.#sequence.clear();
    yield* this.#parts.model.forwardAll(ids, 0);
  }

  /**
   * Continues a text.
   *
   * @param prompt A text, which gets the model's start token in front, or ids,
   * which are taken as they are.
   * @param options How to pick tokens, and when to stop.
   * @returns A piece for each token; the last one carries the record.
   * @throws {RangeError} If the prompt is empty or longer than the context, or an
   * option is out of range.
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
    this.#prefixIds = ids; // the text goes on in the middle of a sentence
    yield* this.#run(ids, settings);
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
    const prompt = this.#render(messages);
    const ids = this.#history.encode(prompt);
    this.#prefixIds = []; // an answer starts a text of its own
    for await (const piece of this.#run(ids, settings)) {
      if (piece.final) this.#remember(prompt, ids, piece.final);
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
    return this.#history.encode(this.#render(messages));
  }

  /**
   * Writes what has run, with its keys and values, to a file.
   *
   * @param path The file to make or to replace.
   * @returns How many tokens and bytes it was.
   * @throws {Error} If nothing has run, the context is full, another generation is
   * running, or the file cannot be written.
   */
  async saveState(path: string): Promise<StateInfo> {
    return await writeState(path, this.#memory("save state"));
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
    return await readState(path, this.#memory("load state"));
  }

  /** Frees the GPU's memory. The engine is of no use after it. */
  [Symbol.dispose](): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#parts.owned[Symbol.dispose]();
  }

  #memory(action: string): EngineMemory {
    this.#checkAlive(action);
    const { name, model } = this.#parts;
    return { name, model, sequence: this.#sequence, history: this.#history };
  }

  /** Generates; the record says what offloading did meanwhile. */
  async *#run(
    ids: readonly number[],
    settings: Settings,
  ): AsyncGenerator<Piece, void> {
    const before = this.offloadStats?.snapshot();
    for await (const piece of generate(this.#sequence, ids, settings)) {
      const after = piece.final && this.offloadStats?.snapshot();
      if (before && after) piece.final!.offload = differenceOf(after, before);
      yield piece;
    }
  }

  #render(messages: readonly Message[]): string {
    const { chatTemplate } = this.#parts;
    if (chatTemplate === null) {
      throw new Error(
        `Cannot chat with ${this.name}: it has no chat template, wanted one in tokenizer_config.json or chat_template.jinja; generate() takes plain text`,
      );
    }
    return chatTemplate.render(messages, { addGenerationPrompt: true });
  }

  /** Keeps the ids of an answer, unless its text was cut at a stop string. */
  #remember(
    prompt: string,
    promptIds: readonly number[],
    { ids, text }: GenerateResult,
  ): void {
    if (this.tokenizer.decode(ids, { skipSpecialTokens: true }) !== text) {
      return;
    }
    this.#history.remember({
      prompt,
      promptIds,
      answer: text,
      answerIds: ids,
    });
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
    if (ids.length === 0 || ids.length > limit) {
      throw new RangeError(
        `Cannot ${action}: there are ${ids.length} ids, wanted 1 to ${limit}`,
      );
    }
    const { vocabSize } = this.config;
    const wrong = ids.find((id) =>
      !(Number.isInteger(id) && id >= 0 && id < vocabSize)
    );
    if (wrong !== undefined) {
      throw new RangeError(
        `Cannot ${action}: the vocabulary has no id ${wrong}, wanted 0 to ${
          vocabSize - 1
        }`,
      );
    }
  }
}
