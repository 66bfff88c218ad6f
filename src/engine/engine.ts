/** A model that is ready to talk. */

import { Gpu } from "../gpu/device.ts";
import { Checkpoint } from "../io/checkpoint.ts";
import { readJson } from "../io/json_file.ts";
import { type ModelConfig, parseConfig } from "../model/config.ts";
import { Mixtral } from "../model/mixtral.ts";
import { uploadWeights } from "../model/upload.ts";
import { WeightReader } from "../model/weights.ts";
import type { ChatTemplate, Message } from "../text/chat_template.ts";
import { TokenDecoder } from "../text/token_decoder.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { ChatHistory } from "./chat_history.ts";
import { generate, type GenerateResult, type Piece } from "./generate.ts";
import {
  checkLoadOptions,
  type LoadOptions,
  wantedParts,
} from "./load_options.ts";
import {
  type GenerateOptions,
  type GenerationDefaults,
  resolveOptions,
} from "./options.ts";
import { Sequence } from "./sequence.ts";
import { readStoredQuantization } from "./stored_quantization.ts";
import { readTextFiles } from "./text_files.ts";

export type { LoadOptions } from "./load_options.ts";

/**
 * Loads a model from a directory in Hugging Face's layout: `config.json`,
 * `tokenizer.json`, `tokenizer_config.json`, `*.safetensors`, and if there are
 * any `generation_config.json` and `chat_template.jinja`.
 *
 * @param directory The directory.
 * @param options How to load it.
 * @returns The engine. Dispose of it to free the GPU's memory.
 * @throws {Error} If a file is missing, broken or of an unknown kind, or there
 * is no GPU: one sentence that says what, where and what was wanted.
 *
 * @example
 * ```ts
 * import { load } from "../../mod.ts";
 * import { assert } from "@std/assert";
 *
 * using engine = await load("models/stories-17m", { contextLength: 128 });
 * let text = "";
 * for await (const piece of engine.generate("Once upon a time", { maxTokens: 8 })) {
 *   text += piece.text;
 * }
 * assert(text.length > 0);
 * ```
 */
export async function load(
  directory: string,
  options: LoadOptions = {},
): Promise<Engine> {
  checkLoadOptions(options);
  const configPath = `${directory}/config.json`;
  const configJson = await readJson(configPath);
  const config = parseConfig(configJson, configPath);
  using checkpoint = await Checkpoint.open(directory);
  const text = await readTextFiles(directory);
  const stored = readStoredQuantization(configJson, configPath);
  const reader = new WeightReader(checkpoint, {
    stored,
    wanted: wantedParts(options, stored),
  });
  const contextLength = contextLengthOf(config, options);
  using cleanup = new DisposableStack();
  const gpu = cleanup.use(await Gpu.open());
  const { onProgress } = options;
  const weights = await uploadWeights(gpu, config, { reader, onProgress });
  const model = cleanup.use(
    await Mixtral.create(gpu, weights, {
      contextLength,
      chunkSize: Math.min(options.chunkSize ?? 512, contextLength),
    }),
  );
  const name = directory.replace(/[/\\]+$/, "").split(/[/\\]/).at(-1)!;
  return new Engine({
    ...text,
    name,
    gpu,
    model,
    owned: cleanup.move(),
  });
}

/** Positions of the KV cache; by default all, but not gigabytes of them. */
function contextLengthOf(config: ModelConfig, options: LoadOptions): number {
  const { maxPositionEmbeddings } = config;
  const { contextLength } = options;
  if (contextLength === undefined) {
    return Math.min(maxPositionEmbeddings, DEFAULT_CONTEXT_LENGTH);
  }
  if (contextLength > maxPositionEmbeddings) {
    throw new RangeError(
      `Cannot load the model with a context of ${contextLength}: it was made for ${maxPositionEmbeddings} positions, wanted at most that`,
    );
  }
  return contextLength;
}

const DEFAULT_CONTEXT_LENGTH = 4096;

/** What an engine is made of. */
interface EngineParts {
  readonly name: string;
  readonly gpu: Gpu;
  readonly model: Mixtral;
  readonly tokenizer: Tokenizer;
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
  /** Text to ids and back. */
  readonly tokenizer: Tokenizer;
  /** Positions of the KV cache. */
  readonly contextLength: number;

  readonly #parts: EngineParts;
  readonly #sequence: Sequence;
  readonly #history: ChatHistory;
  #prefixIds: readonly number[] = [];
  #isDisposed = false;

  /**
   * Constructs an engine; use {@linkcode load}.
   *
   * @param parts What it is made of.
   */
  constructor(parts: EngineParts) {
    const { model, tokenizer } = parts;
    this.#parts = parts;
    this.config = model.config;
    this.name = parts.name;
    this.adapter = parts.gpu.name;
    this.tokenizer = tokenizer;
    this.contextLength = model.contextLength;
    // The template writes start and end tokens itself.
    this.#history = new ChatHistory({
      encode: (text) => tokenizer.encode(text, { addSpecialTokens: false }),
      startsWithSpecialToken: (text) =>
        specialTokens(tokenizer).some((token) => text.startsWith(token)),
    });
    this.#sequence = new Sequence(model, {
      decoder: () =>
        new TokenDecoder(tokenizer, { prefixIds: this.#prefixIds }),
      tokenText: (id) => tokenizer.decode([id], { skipSpecialTokens: false }),
    });
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
    using _hold = this.#sequence.hold();
    this.#sequence.clear();
    const { vocabSize } = this.config;
    const logits = new Float32Array(ids.length * vocabSize);
    let at = 0;
    for await (const rows of this.#parts.model.forwardAll(ids, 0)) {
      logits.set(rows, at);
      at += rows.length;
    }
    return logits;
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
    yield* generate(this.#sequence, ids, settings);
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
    const prompt = this.#render(messages);
    const ids = this.#history.encode(prompt);
    this.#prefixIds = []; // an answer starts a text of its own
    for await (const piece of generate(this.#sequence, ids, settings)) {
      if (piece.final) this.#remember(prompt, ids, piece.final);
      yield piece;
    }
  }

  /** Frees the GPU's memory. The engine is of no use after it. */
  [Symbol.dispose](): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#parts.owned[Symbol.dispose]();
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

  #checkIds(
    action: string,
    ids: readonly number[],
    limit = this.contextLength,
  ): void {
    if (this.#isDisposed) {
      throw new Error(`Cannot ${action}: the engine has been disposed of`);
    }
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

/** The tokens that a template writes around messages. */
function specialTokens({ bosToken, eosToken }: Tokenizer): string[] {
  return [bosToken, eosToken].filter((token) => token !== undefined);
}
