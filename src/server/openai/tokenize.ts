import type { ServedEngine } from "../served_engine.ts";
import { Fields, type JsonObject } from "./fields.ts";
import { showToken } from "./token_text.ts";

/** Characters that take a second or so, in which nobody else is served. */
const MOST_CONTENT = 1 << 18;

/**
 * `POST /tokenize`, as llama.cpp's server has it: text to ids.
 *
 * @param engine The model.
 * @param body `content`; `add_special` for the model's start token in front;
 * `with_pieces` for the text of each token too.
 * @returns `tokens`.
 * @throws {ApiError} If a field is missing or of the wrong type, or the text
 * is too long.
 */
export function tokenize(
  { tokenizer }: ServedEngine,
  body: JsonObject,
): { tokens: unknown[] } {
  const fields = new Fields(body);
  const content = fields.string("content");
  if (content === undefined) throw fields.wrong("content", "a string");
  if (content.length > MOST_CONTENT) {
    throw fields.wrong("content", `at most ${MOST_CONTENT} characters`);
  }
  const ids = tokenizer.encode(content, {
    addSpecialTokens: fields.boolean("add_special") ?? false,
  });
  if (!(fields.boolean("with_pieces") ?? false)) return { tokens: ids };
  return {
    tokens: ids.map((id) => ({ id, piece: showToken(tokenizer, id, 0).token })),
  };
}

/**
 * `POST /detokenize`: ids to text.
 *
 * @param engine The model.
 * @param body `tokens`.
 * @returns `content`.
 * @throws {ApiError} If a field is missing or of the wrong type.
 */
export function detokenize(
  { tokenizer }: ServedEngine,
  body: JsonObject,
): { content: string } {
  const fields = new Fields(body);
  const tokens = fields.list("tokens");
  const isIds = tokens?.every((id) => Number.isInteger(id) && Number(id) >= 0);
  if (!isIds) throw fields.wrong("tokens", "a list of token ids");
  return {
    content: tokenizer.decode(tokens as number[], { skipSpecialTokens: false }),
  };
}
