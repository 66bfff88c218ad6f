/**
 * Whether the content of a `tokenizer.json` is what the library takes for granted.
 *
 * @module
 */
import { isRecord } from "./special_token.ts";

/** A token that the vocabulary was extended by. */
export interface AddedToken {
  /** Its id. */
  readonly id: number;
  /** Its text. */
  readonly content: string;
  /** Whether it makes no text of an answer. */
  readonly special?: boolean;
}

/** What is read of a `tokenizer.json` before the library gets it. */
export interface TokenizerJson extends Record<string, unknown> {
  /** The BPE model. */
  readonly model: Record<string, unknown> & {
    /** Ids by token. */
    readonly vocab: Record<string, number>;
    /** Pairs of tokens that become one, with a space between them or as a list. */
    readonly merges: readonly (string | [string, string])[];
  };
  /** Tokens besides those of the vocabulary. */
  readonly "added_tokens": readonly AddedToken[];
}

/** Ids from here on belong to no vocabulary, but would ask for gigabytes. */
const ID_LIMIT = 2 ** 24;

/** Steps that work on text, any of which may have patterns. */
const TEXT_STEPS = ["normalizer", "pre_tokenizer", "post_processor"];

/**
 * Checks a `tokenizer.json`. Regular expressions are refused: with sentencepiece
 * models, the only ones whose decoder is known, there are none, and one that was made
 * for it takes forever.
 *
 * @param value The parsed file.
 * @returns It.
 * @throws {TypeError} If it is not that of a tokenizer.
 */
export function checkTokenizerJson(value: unknown): TokenizerJson {
  const json = isRecord(value) ? value : {};
  const model = isRecord(json.model) ? json.model : {};
  const { vocab, merges } = model;
  const { added_tokens: added } = json;
  if (!isRecord(vocab) || !Array.isArray(merges) || !Array.isArray(added)) {
    throw wrong(
      "it has no BPE model, wanted model.vocab, model.merges and added_tokens",
    );
  }
  if (!Object.values(vocab).every(isId)) {
    throw wrong(`model.vocab has no id for a token, wanted one below 2^24`);
  }
  if (!merges.every(isMerge)) {
    throw wrong("model.merges has what is no pair, wanted two tokens each");
  }
  if (!added.every(isAddedToken)) {
    throw wrong("added_tokens has what is no token, wanted id and content");
  }
  for (const step of TEXT_STEPS) {
    if (hasKey(json[step], "Regex")) {
      throw wrong(
        `its ${step} has a regular expression, wanted fixed texts only`,
      );
    }
  }
  return json as TokenizerJson;
}

function isId(value: unknown): boolean {
  return Number.isInteger(value) && value as number >= 0 &&
    value as number < ID_LIMIT;
}

function isMerge(value: unknown): boolean {
  const parts = typeof value === "string" ? value.split(" ") : value;
  return Array.isArray(parts) && parts.length === 2 &&
    parts.every((part) => typeof part === "string" && part !== "");
}

function isAddedToken(value: unknown): boolean {
  return isRecord(value) && isId(value.id) &&
    typeof value.content === "string" && value.content !== "";
}

/** Whether a key is anywhere below; objects may be nested deeper than the stack. */
function hasKey(value: unknown, key: string): boolean {
  const left = [value];
  while (left.length > 0) {
    const part = left.pop();
    if (typeof part !== "object" || part === null) continue;
    if (Object.hasOwn(part, key)) return true;
    for (const child of Object.values(part)) left.push(child);
  }
  return false;
}

function wrong(state: string): TypeError {
  return new TypeError(`Cannot read tokenizer.json: ${state}`);
}
