import { TokenDecoder } from "../text/token_decoder.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import type { ChatEncoder } from "./chat_history.ts";
import { constraintOf } from "./constraint.ts";
import type { Vocabulary } from "./sequence.ts";

/**
 * Makes text of ids; without a tokenizer there is none.
 *
 * @param tokenizer The model's tokenizer.
 * @param prefixIds The ids that stand before what is decoded.
 * @returns What the token loop needs.
 */
export function vocabularyOf(
  tokenizer: Tokenizer | null,
  prefixIds: () => readonly number[],
): Vocabulary {
  if (tokenizer === null) {
    return {
      decoder: () => ({ push: () => "", flush: () => "" }),
      tokenText: () => "",
    };
  }
  return {
    constraint: (format) => constraintOf(format, tokenizer),
    decoder: () => new TokenDecoder(tokenizer, { prefixIds: prefixIds() }),
    tokenText: (id) => tokenizer.decode([id], { skipSpecialTokens: false }),
  };
}

/**
 * The tokens that a template writes around messages.
 *
 * @param tokenizer Whose.
 * @returns Those that there are.
 */
export function specialTokens(tokenizer: Tokenizer): string[] {
  return [tokenizer.bosToken, tokenizer.eosToken]
    .filter((token) => token !== undefined);
}

/**
 * Makes ids of rendered conversations.
 *
 * @param tokenizer Gives the tokenizer, when there is a conversation.
 * @returns What a history of chats needs.
 */
export function chatEncoder(tokenizer: () => Tokenizer): ChatEncoder {
  return {
    // The template writes start and end tokens itself.
    encode: (text) => tokenizer().encode(text, { addSpecialTokens: false }),
    startsWithSpecialToken: (text) =>
      specialTokens(tokenizer()).some((token) => text.startsWith(token)),
  };
}
