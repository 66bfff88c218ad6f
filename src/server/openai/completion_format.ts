import type { Piece } from "../../engine/generate.ts";
import type { Tokenizer } from "../../text/tokenizer.ts";
import { type AnswerFormat, answerHead } from "./answer_format.ts";
import type { ChoicePiece } from "./run_ask.ts";
import { isLikely, showToken } from "./token_text.ts";

/** What a completion's format has to know. */
export interface CompletionFormatOptions {
  /** The model's name. */
  readonly model: string;
  /** The model's tokenizer, for log-probabilities. */
  readonly tokenizer: Tokenizer;
  /** Whether the text begins with the prompt. */
  readonly echoes: boolean;
}

/**
 * Answers as OpenAI's older completions.
 *
 * @param options What it has to know.
 * @returns The format of one request.
 */
export function completionFormat(
  { model, tokenizer, echoes }: CompletionFormatOptions,
): AnswerFormat {
  const head = { ...answerHead("cmpl-", model), object: "text_completion" };
  /** How long the text of each answer is already: where its next token stands. */
  const lengths = new Map<number, number>();
  return {
    first(step) {
      const text = echoOf(step, echoes);
      if (text === "") return null;
      return { ...head, choices: [choice(step.index, text)] };
    },
    piece({ index, piece }) {
      const { text, final } = piece;
      const start = lengths.get(index) ?? 0;
      lengths.set(index, start + text.length);
      const logprobs = placesOf([piece], tokenizer, start);
      if (text === "" && !logprobs && !final) return null;
      const reason = final?.finishReason;
      return { ...head, choices: [choice(index, text, logprobs, reason)] };
    },
    usage: (usage) => ({ ...head, choices: [], ...usage }),
    whole: (choices, usage) => ({
      ...head,
      choices: choices.map((steps, index) => {
        const pieces = steps.map(({ piece }) => piece);
        const { text, finishReason } = pieces.at(-1)!.final!;
        const echo = echoOf(steps[0]!, echoes);
        const logprobs = placesOf(pieces, tokenizer, 0);
        return choice(index, echo + text, logprobs, finishReason);
      }),
      ...usage,
    }),
  };
}

function choice(
  index: number,
  text: string,
  logprobs: object | null = null,
  reason: string | null = null,
): object {
  return { index, text, logprobs, "finish_reason": reason };
}

function echoOf({ prompt }: ChoicePiece, echoes: boolean): string {
  return echoes && "text" in prompt ? prompt.text : "";
}

/** The tokens of pieces, and where in the text each stands. */
function placesOf(
  pieces: readonly Piece[],
  tokenizer: Tokenizer,
  start: number,
): object | null {
  const tokens: string[] = [];
  const tokenLogprobs: number[] = [];
  const topLogprobs: Record<string, number>[] = [];
  const offsets: number[] = [];
  let offset = start;
  for (const piece of pieces) {
    if (isLikely(piece)) {
      const { token, logprob } = showToken(tokenizer, piece.id, piece.logprob);
      tokens.push(token);
      tokenLogprobs.push(logprob);
      offsets.push(offset);
      const tops = (piece.topLogprobs ?? []).map((top) =>
        showToken(tokenizer, top.id, top.logprob)
      );
      topLogprobs.push(
        Object.fromEntries(tops.map((top) => [top.token, top.logprob])),
      );
    }
    offset += piece.text.length;
  }
  if (tokens.length === 0) return null;
  return {
    tokens,
    "token_logprobs": tokenLogprobs,
    "top_logprobs": topLogprobs,
    "text_offset": offsets,
  };
}
