import type { Piece } from "../../engine/generate.ts";
import { ApiError } from "../http/api_error.ts";
import type { ServedEngine } from "../served_engine.ts";
import type { Ask, Prompt } from "./ask.ts";

/** A step of one of the answers. */
export interface ChoicePiece {
  /** Which answer: those to the first prompt come first. */
  readonly index: number;
  /** What it answers. */
  readonly prompt: Prompt;
  /** The step. */
  readonly piece: Piece;
}

/** How a request's answers are generated. */
export interface RunOptions {
  /** Ends it at the next token. */
  readonly signal: AbortSignal;
  /** Hears how many tokens of a prompt have just run. */
  readonly onPromptTokens?: (count: number) => void;
}

/**
 * Generates the answers to a request, one after the other. All answers to a prompt
 * but the first find it in the KV cache; with a seed, each has the next one.
 *
 * @param engine The model.
 * @param ask The request.
 * @param options What ends it.
 * @returns The steps; if the signal is aborted, an answer ends as cancelled.
 * @throws {ApiError} If the model refuses the options (400).
 */
export async function* runAsk(
  engine: ServedEngine,
  ask: Ask,
  { signal, onPromptTokens }: RunOptions,
): AsyncGenerator<ChoicePiece, void> {
  const { prompts, count, options: { seed, ...options } } = ask;
  let index = 0;
  for (const prompt of prompts) {
    for (let i = 0; i < count; i++) {
      let read: number | undefined;
      const pieces = piecesOf(engine, prompt, {
        ...options,
        ...seed !== undefined && { seed: nextSeed(seed, i) },
        signal,
        onPrefill: ({ done }) => {
          onPromptTokens?.(done - (read ?? 0));
          read = done;
        },
      });
      try {
        for await (const piece of pieces) yield { index, prompt, piece };
      } catch (error) {
        throw read === undefined ? asRefusal(error) : error;
      }
      index++;
    }
  }
}

function piecesOf(
  engine: ServedEngine,
  prompt: Prompt,
  options: Ask["options"],
): AsyncGenerator<Piece, void> {
  if ("messages" in prompt) return engine.chat(prompt.messages, options);
  return engine.generate("ids" in prompt ? prompt.ids : prompt.text, options);
}

/** Seeds go up to 2^53 - 1, and begin at 0 after it. */
function nextSeed(seed: number, steps: number): number {
  return seed > Number.MAX_SAFE_INTEGER - steps
    ? seed - (Number.MAX_SAFE_INTEGER - steps) - 1
    : seed + steps;
}

/** Before the model runs, what is wrong is what it was asked. */
function asRefusal(error: unknown): unknown {
  const isRefusal = error instanceof RangeError || error instanceof TypeError;
  if (!isRefusal) return error;
  return new ApiError(error.message, { status: 400, code: "invalid_value" });
}
