import type { Piece } from "../engine/generate.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { type AnswerFormat, answerHead } from "./answer_format.ts";
import { isLikely, type ShownToken, showToken } from "./token_text.ts";

/** A place in the text, as OpenAI's `logprobs.content` lists it. */
interface Place extends ShownToken {
  readonly "top_logprobs": readonly ShownToken[];
}

/**
 * Answers as OpenAI's chat completions.
 *
 * @param model The model's name.
 * @param tokenizer The model's, for log-probabilities.
 * @returns The format of one request.
 */
export function chatFormat(model: string, tokenizer: Tokenizer): AnswerFormat {
  const head = answerHead("chatcmpl-", model);
  const chunk = { ...head, object: "chat.completion.chunk" };
  return {
    first({ index }) {
      const delta = { role: "assistant", content: "" };
      return { ...chunk, choices: [choice(index, { delta })] };
    },
    piece({ index, piece }) {
      const logprobs = placesOf([piece], tokenizer);
      const { text, final } = piece;
      if (text === "" && !logprobs && !final) return null;
      const delta = text === "" && !logprobs ? {} : { content: text };
      const reason = final?.finishReason;
      return {
        ...chunk,
        choices: [choice(index, { delta }, logprobs, reason)],
      };
    },
    usage: (usage) => ({ ...chunk, choices: [], ...usage }),
    whole: (choices, usage) => ({
      ...head,
      object: "chat.completion",
      choices: choices.map((steps, index) => {
        const pieces = steps.map(({ piece }) => piece);
        const { text, finishReason } = pieces.at(-1)!.final!;
        const message = { role: "assistant", content: text, refusal: null };
        const logprobs = placesOf(pieces, tokenizer);
        return choice(index, { message }, logprobs, finishReason);
      }),
      ...usage,
    }),
  };
}

function choice(
  index: number,
  what: { delta: object } | { message: object },
  logprobs: { content: Place[] } | null = null,
  reason: string | null = null,
): object {
  return { index, ...what, logprobs, "finish_reason": reason };
}

/** The tokens of pieces with what else might have come; none if not asked for. */
function placesOf(
  pieces: readonly Piece[],
  tokenizer: Tokenizer,
): { content: Place[] } | null {
  const content = pieces.filter(isLikely).map(
    ({ id, logprob, topLogprobs = [] }) => ({
      ...showToken(tokenizer, id, logprob),
      "top_logprobs": topLogprobs.map((top) =>
        showToken(tokenizer, top.id, top.logprob)
      ),
    }),
  );
  return content.length > 0 ? { content } : null;
}
