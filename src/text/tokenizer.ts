/**
 * Text to ids and back.
 *
 * @module
 */
import { Tokenizer as Library } from "@huggingface/tokenizers";
import { checkTokenizerJson, type TokenizerJson } from "./check_tokenizer.ts";
import { isRecord, specialToken } from "./special_token.ts";
import { parseDecoder, type TokenBytes } from "./token_bytes.ts";
import { TokenDecoder } from "./token_decoder.ts";

/** Options for {@linkcode Tokenizer.encode}. */
export interface EncodeOptions {
  /**
   * Whether to add what the model wants around a text, such as `<s>` before
   * it. A prompt from a chat template has it already.
   *
   * @default {true}
   */
  addSpecialTokens?: boolean;
}

/** Options for {@linkcode Tokenizer.decode}. */
export interface DecodeOptions {
  /**
   * Whether special tokens such as `</s>` make no text.
   *
   * @default {true}
   */
  skipSpecialTokens?: boolean;
}

/** Stands for a space within tokens. */
const SPACE = "▁";

/**
 * The tokenizer of a model, by its own `tokenizer.json`. It reads no files.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { Tokenizer } from "./tokenizer.ts";
 *
 * const file = "models/stories-17m/tokenizer.json";
 * const tokenizer = Tokenizer.fromJson(JSON.parse(Deno.readTextFileSync(file)));
 * const ids = tokenizer.encode("Hello world");
 * assertEquals(ids, [1, 463, 385, 314, 1377]);
 * assertEquals(tokenizer.decode(ids), "Hello world");
 * ```
 */
export class Tokenizer {
  /** One more than the highest id. */
  readonly vocabSize: number;
  /** What begins a text. */
  readonly bosToken: string | undefined;
  /** What ends a text. */
  readonly eosToken: string | undefined;
  /** What stands for what the vocabulary lacks. */
  readonly unkToken: string | undefined;
  /** How many spaces a decoded text loses at its start, at most. */
  readonly strippedSpaceCount: number;
  readonly #library: Library;
  readonly #bytesOf: TokenBytes["bytesOf"];
  readonly #specialIds: ReadonlySet<number>;

  private constructor(
    json: TokenizerJson,
    config: Record<string, unknown>,
  ) {
    const { added_tokens: added, model: { vocab } } = json;
    const { bytesOf, strippedSpaceCount } = parseDecoder(json.decoder);
    this.#bytesOf = bytesOf;
    this.strippedSpaceCount = strippedSpaceCount;
    try {
      this.#library = new Library(splitBetweenWords(json), config);
    } catch (error) {
      // The library believes what it reads, and runs into a TypeError.
      throw new TypeError(
        "Cannot read tokenizer.json: a step of it, or of tokenizer_config.json, is of an unknown kind, wanted those of a sentencepiece model",
        { cause: error },
      );
    }

    let maxId = -1;
    for (const id of Object.values(vocab)) maxId = Math.max(maxId, id);
    for (const { id } of added) maxId = Math.max(maxId, id);
    this.vocabSize = maxId + 1;

    const special = added.filter((token) => token.special === true);
    this.#specialIds = new Set(special.map((token) => token.id));
    const conventional = (name: string) =>
      special.find((token) => token.content === name)?.content;
    this.bosToken = specialToken(config, "bos_token") ?? conventional("<s>");
    this.eosToken = specialToken(config, "eos_token") ?? conventional("</s>");
    this.unkToken = specialToken(config, "unk_token") ?? conventional("<unk>");
  }

  /**
   * Makes a tokenizer of the content of its files.
   *
   * @param tokenizerJson The parsed `tokenizer.json`.
   * @param tokenizerConfig The parsed `tokenizer_config.json`; without it,
   * `<s>`, `</s>` and `<unk>` are taken for what they mean elsewhere.
   * @returns The tokenizer.
   * @throws {TypeError} If the content is not that of a tokenizer, or of one
   * whose decoder is unknown.
   */
  static fromJson(
    tokenizerJson: unknown,
    tokenizerConfig: unknown = {},
  ): Tokenizer {
    const json = checkTokenizerJson(tokenizerJson);
    if (!isRecord(tokenizerConfig)) {
      throw new TypeError(
        "Cannot read tokenizer_config.json: it is not an object, wanted one",
      );
    }
    return new Tokenizer(json, tokenizerConfig);
  }

  /** The id of {@linkcode Tokenizer.bosToken}. */
  get bosId(): number | undefined {
    return this.#idOf(this.bosToken);
  }

  /** The id of {@linkcode Tokenizer.eosToken}. */
  get eosId(): number | undefined {
    return this.#idOf(this.eosToken);
  }

  /** The id of {@linkcode Tokenizer.unkToken}. */
  get unkId(): number | undefined {
    return this.#idOf(this.unkToken);
  }

  /**
   * Makes ids of text. Special tokens written out in the text, such as `</s>`,
   * become what they name.
   *
   * @param text The text.
   * @param options What to add.
   * @returns The ids.
   * @throws {Error} If the tokenizer's files do not fit each other.
   */
  encode(text: string, options: EncodeOptions = {}): number[] {
    const { addSpecialTokens = true } = options;
    const refuse = (cause?: unknown) =>
      new Error(
        "Cannot encode a text: the steps of tokenizer.json make something else than ids of it, wanted those of a sentencepiece model",
        { cause },
      );
    let ids: number[];
    try {
      ids = this.#library.encode(text, {
        "add_special_tokens": addSpecialTokens,
      }).ids;
    } catch (error) {
      throw refuse(error);
    }
    const isId = (id: number) => id >= 0 && id < this.vocabSize;
    if (!ids.every(isId)) throw refuse();
    return ids;
  }

  /**
   * Makes text of ids. Bytes that are not UTF-8 become U+FFFD.
   *
   * @param ids The ids. Those that the vocabulary lacks make no text.
   * @param options What to leave out.
   * @returns The text.
   */
  decode(ids: readonly number[], options: DecodeOptions = {}): string {
    const decoder = new TokenDecoder(this, options);
    let text = "";
    for (const id of ids) text += decoder.push(id);
    return text + decoder.flush();
  }

  /**
   * Finds the token of an id, as the vocabulary spells it.
   *
   * @param id The id.
   * @returns The token, as in `▁Hello` or `<0x0A>`, or `undefined`.
   */
  tokenOf(id: number): string | undefined {
    return this.#library.id_to_token(id);
  }

  /**
   * Finds the id of a token.
   *
   * @param token The token, as the vocabulary spells it.
   * @returns The id, or `undefined`.
   */
  idOf(token: string): number | undefined {
    return this.#library.token_to_id(token);
  }

  /**
   * Tells whether an id is of a special token.
   *
   * @param id The id.
   * @returns Whether it is.
   */
  isSpecial(id: number): boolean {
    return this.#specialIds.has(id);
  }

  /**
   * Makes the bytes that a token stands for. Those of consecutive tokens make
   * UTF-8; those of one may be a part of a character.
   *
   * @param id The id.
   * @returns The bytes; none if the vocabulary lacks the id.
   */
  bytesOf(id: number): Uint8Array<ArrayBuffer> {
    const token = this.tokenOf(id);
    return token === undefined ? new Uint8Array(0) : this.#bytesOf(token);
  }

  #idOf(token: string | undefined): number | undefined {
    return token === undefined ? undefined : this.idOf(token);
  }
}

/**
 * Lets the library encode word by word, which is faster and the same: a text
 * is split only before a `▁` that follows something else, and no merge makes a
 * token with such a place in it, so that no merge ever spans two words. If a
 * merge does, or the text is split already, nothing changes.
 */
function splitBetweenWords(json: TokenizerJson): Record<string, unknown> {
  const { model } = json;
  const { merges } = model;
  const isSplit = (json.pre_tokenizer ?? null) !== null;
  // Each of these looks at the whole of what it is given.
  const looksAtWhole = model.ignore_merges === true ||
    (model.end_of_word_suffix ?? null) !== null ||
    (model.continuing_subword_prefix ?? null) !== null;
  const inside = new RegExp(`[^${SPACE}]${SPACE}`);
  const spans = (merge: string | [string, string]) =>
    inside.test(
      typeof merge === "string" ? merge.replace(" ", "") : merge.join(""),
    );
  if (isSplit || looksAtWhole || merges.some(spans)) return json;
  const word = `${SPACE}*[^${SPACE}]+|${SPACE}+`;
  return {
    ...json,
    "pre_tokenizer": {
      type: "Split",
      pattern: { Regex: word },
      behavior: "Isolated",
      invert: false,
    },
  };
}
