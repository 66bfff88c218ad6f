import type { GenerateResult, Piece } from "../../engine/generate.ts";
import type { Tokenizer } from "../../text/tokenizer.ts";
import { type AnswerFormat, answerHead } from "./answer_format.ts";
import type { ForcedCall } from "./forced_call.ts";
import { isLikely, type ShownToken, showToken } from "./token_text.ts";

/** A place in the text, as OpenAI's `logprobs.content` lists it. */
interface Place extends ShownToken {
  readonly "top_logprobs": readonly ShownToken[];
}

/** What a chat's format has to know. */
export interface ChatFormatOptions {
  /** The model's name. */
  readonly model: string;
  /** The model's tokenizer, for log-probabilities. */
  readonly tokenizer: Tokenizer;
  /** The function that answers call, if they are no text. */
  readonly call?: ForcedCall | undefined;
}

/**
 * Answers as OpenAI's chat completions.
 *
 * @param options What it has to know.
 * @returns The format of one request.
 */
export function chatFormat(
  { model, tokenizer, call }: ChatFormatOptions,
): AnswerFormat {
  const head = answerHead("chatcmpl-", model);
  const chunk = { ...head, object: "chat.completion.chunk" };
  const speech = call === undefined ? CONTENT : callOf(call);
  return {
    first({ index }) {
      const delta = { role: "assistant", ...speech.begin() };
      return { ...chunk, choices: [choice(index, { delta })] };
    },
    piece({ index, piece }) {
      const logprobs = placesOf([piece], tokenizer);
      const { text, final } = piece;
      if (text === "" && !logprobs && !final) return null;
      const delta = text === "" && !logprobs ? {} : speech.goOn(text);
      const reason = final && speech.reasonOf(final);
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
        const final = pieces.at(-1)!.final!;
        const said = speech.whole(final.text);
        const message = { role: "assistant", ...said, refusal: null };
        const logprobs = placesOf(pieces, tokenizer);
        return choice(index, { message }, logprobs, speech.reasonOf(final));
      }),
      ...usage,
    }),
  };
}

/** What the text of an answer is in a message. */
interface Speech {
  /** What stands in the first piece, before any text. */
  begin(): object;
  /** What stands in each piece with text. */
  goOn(text: string): object;
  /** What stands in the message. */
  whole(text: string): object;
  /** Why the answer ends. */
  reasonOf(final: GenerateResult): string;
}

/** What is said. */
const CONTENT: Speech = {
  begin: () => ({ content: "" }),
  goOn: (content) => ({ content }),
  whole: (content) => ({ content }),
  reasonOf: ({ finishReason }) => finishReason,
};

/** The arguments of a function. */
function callOf({ name, finishReason }: ForcedCall): Speech {
  const whole = (text: string) => ({
    id: `call_${crypto.randomUUID().replaceAll("-", "")}`,
    type: "function",
    function: { name, arguments: text },
  });
  return {
    begin: () => ({
      content: null,
      "tool_calls": [{ index: 0, ...whole("") }],
    }),
    goOn: (text) => ({
      "tool_calls": [{ index: 0, function: { arguments: text } }],
    }),
    whole: (text) => ({ content: null, "tool_calls": [whole(text)] }),
    reasonOf: (final) =>
      final.finishReason === "stop" ? finishReason : final.finishReason,
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
