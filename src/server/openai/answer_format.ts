import type { GenerateResult } from "../../engine/generate.ts";
import type { ChoicePiece } from "./run_ask.ts";

/** How answers become JSON: as chats or as completions. */
export interface AnswerFormat {
  /** What comes before the first piece of an answer, if anything. */
  first(step: ChoicePiece): object | null;
  /** A piece of an answer, if it shows anything; the last one says why it ends. */
  piece(step: ChoicePiece): object | null;
  /** What a stream ends with if counts were asked for. */
  usage(usage: Usage): object;
  /** All answers at once, each with its pieces. */
  whole(choices: readonly (readonly ChoicePiece[])[], usage: Usage): object;
}

/** What all objects about a request have in common. */
export interface AnswerHead {
  /** Names the request. */
  readonly id: string;
  /** When it came, in seconds since 1970. */
  readonly created: number;
  /** The model's name. */
  readonly model: string;
}

/**
 * Makes what all objects about a request have in common.
 *
 * @param prefix What ids begin with, as in `chatcmpl-`.
 * @param model The model's name.
 * @returns The id, the time and the model.
 */
export function answerHead(prefix: string, model: string): AnswerHead {
  return {
    id: prefix + crypto.randomUUID().replaceAll("-", ""),
    created: Math.floor(Date.now() / 1000),
    model,
  };
}

/** Counts of tokens, as OpenAI's API has them, and times, as llama.cpp has them. */
export interface Usage {
  /** Counts of tokens. */
  readonly usage: {
    readonly "prompt_tokens": number;
    readonly "completion_tokens": number;
    readonly "total_tokens": number;
    readonly "prompt_tokens_details": { readonly "cached_tokens": number };
  };
  /** Tokens that ran, and how long they took. */
  readonly timings: {
    readonly "cache_n": number;
    readonly "prompt_n": number;
    readonly "prompt_ms": number;
    readonly "prompt_per_second": number | null;
    readonly "predicted_n": number;
    readonly "predicted_ms": number;
    readonly "predicted_per_second": number | null;
  };
}

/**
 * Sums up what the answers to a request took. A prompt counts once, however many
 * answers it gets.
 *
 * @param finals The records of the answers.
 * @param count How many answers each prompt got.
 * @returns Counts and times.
 */
export function usageOf(
  finals: readonly GenerateResult[],
  count: number,
): Usage {
  const sum = (of: (final: GenerateResult) => number, list = finals) =>
    list.reduce((total, final) => total + of(final), 0);
  const firsts = finals.filter((_, i) => i % count === 0);
  const promptTokens = sum((final) => final.promptTokens, firsts);
  const completionTokens = sum((final) => final.completionTokens);
  const ran = sum((final) => final.promptTokens - final.cachedTokens);
  const promptMs = sum((final) => final.prefillMs);
  const [only] = finals;
  // Of several answers, from the sums: the first token of each comes for free.
  const decodeMs = sum((final) => final.decodeMs);
  const steps = sum((final) => Math.max(0, final.completionTokens - 1));
  const isOne = finals.length === 1;
  return {
    usage: {
      "prompt_tokens": promptTokens,
      "completion_tokens": completionTokens,
      "total_tokens": promptTokens + completionTokens,
      "prompt_tokens_details": {
        "cached_tokens": sum((final) => final.cachedTokens, firsts),
      },
    },
    timings: {
      "cache_n": sum((final) => final.cachedTokens),
      "prompt_n": ran,
      "prompt_ms": promptMs,
      "prompt_per_second": isOne
        ? only!.prefillTokensPerSecond
        : perSecond(ran, promptMs),
      "predicted_n": completionTokens,
      "predicted_ms": decodeMs,
      "predicted_per_second": isOne
        ? only!.decodeTokensPerSecond
        : perSecond(steps, decodeMs),
    },
  };
}

function perSecond(count: number, ms: number): number | null {
  return ms > 0 && count > 0 ? count / ms * 1000 : null;
}
