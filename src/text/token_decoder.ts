/**
 * Tokens to text, one by one.
 *
 * @module
 */
import type { Tokenizer } from "./tokenizer.ts";

/** Options for {@linkcode TokenDecoder}. */
export interface TokenDecoderOptions {
  /**
   * The ids before the first pushed one, if the text continues theirs. Their
   * own text is not returned; but a leading space is kept, since the text does
   * not begin there, and a character that they left unfinished is finished.
   *
   * Give the prompt when completing text such as `Once upon a time`. Give
   * nothing for the answer in a chat, which begins a text of its own.
   *
   * @default {[]}
   */
  prefixIds?: readonly number[];
  /**
   * Whether special tokens such as `</s>` make no text.
   *
   * @default {true}
   */
  skipSpecialTokens?: boolean;
}

/**
 * Makes text of ids as they come, in constant time each, and never returns a
 * part of a character. For any ids, all that {@linkcode TokenDecoder.push}
 * returns plus what {@linkcode TokenDecoder.flush} returns is what
 * `tokenizer.decode(ids)` returns. With `prefixIds` it is what
 * `tokenizer.decode([...prefixIds, ...ids])` adds to the finished characters
 * of the prefix.
 *
 * Bytes that are not UTF-8 become U+FFFD as soon as nothing can complete them.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { TokenDecoder } from "./token_decoder.ts";
 * import { Tokenizer } from "./tokenizer.ts";
 *
 * const file = "models/stories-17m/tokenizer.json";
 * const tokenizer = Tokenizer.fromJson(JSON.parse(Deno.readTextFileSync(file)));
 * const decoder = new TokenDecoder(tokenizer);
 * const ids = tokenizer.encode("A é", { addSpecialTokens: false });
 * assertEquals(ids.map((id) => decoder.push(id)), ["A", " ", "", "é"]);
 * assertEquals(decoder.flush(), "");
 * ```
 */
export class TokenDecoder {
  readonly #tokenizer: Tokenizer;
  readonly #skipSpecialTokens: boolean;
  /** Keeps the bytes of an unfinished character. */
  readonly #utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
  /** How many leading spaces may still be stripped. */
  #spaceCount: number;

  /**
   * Begins a text.
   *
   * @param tokenizer The tokenizer of the model.
   * @param options What came before, and what to leave out.
   */
  constructor(tokenizer: Tokenizer, options: TokenDecoderOptions = {}) {
    const { prefixIds = [], skipSpecialTokens = true } = options;
    this.#tokenizer = tokenizer;
    this.#skipSpecialTokens = skipSpecialTokens;
    this.#spaceCount = tokenizer.strippedSpaceCount;
    for (const id of prefixIds) this.push(id);
  }

  /**
   * Takes the next id.
   *
   * @param id The id. One that the vocabulary lacks makes no text.
   * @returns The text that is now certain; often empty.
   */
  push(id: number): string {
    if (this.#skipSpecialTokens && this.#tokenizer.isSpecial(id)) return "";
    const bytes = this.#tokenizer.bytesOf(id);
    return this.#strip(this.#utf8.decode(bytes, { stream: true }));
  }

  /**
   * Ends the text.
   *
   * @returns U+FFFD if a character was left unfinished, otherwise nothing.
   */
  flush(): string {
    return this.#strip(this.#utf8.decode());
  }

  /** Drops spaces from the start of the whole text. */
  #strip(text: string): string {
    let start = 0;
    while (this.#spaceCount > 0 && start < text.length) {
      if (text[start] === " ") {
        this.#spaceCount--;
        start++;
      } else {
        this.#spaceCount = 0;
      }
    }
    return text.slice(start);
  }
}
