import { tokenTrie } from "../../engine/token_trie.ts";
import { ApiError } from "../http/api_error.ts";
import type { ServedEngine } from "../served_engine.ts";
import type { Prompt } from "./ask.ts";

/**
 * Checks that the model can take a prompt, so that who asks hears of it at once
 * and not when it is their turn.
 *
 * @param engine The model.
 * @param prompt What it is to go on from.
 * @throws {ApiError} If the chat template refuses it, or it is empty, longer than
 * the context, or holds ids that the vocabulary lacks.
 */
export function checkPrompt(engine: ServedEngine, prompt: Prompt): void {
  const { contextLength, config: { vocabSize } } = engine;
  const param = "messages" in prompt ? "messages" : "prompt";
  const tooLong = (count: string) =>
    refused(
      `the prompt has ${count} tokens, the context holds ${contextLength}; shorten it, or start the server with a longer --context`,
      { param, code: "context_length_exceeded" },
    );
  // Megabytes are not turned into ids only to be refused: others wait meanwhile.
  const longest = Math.max(tokenTrie(engine.tokenizer).longest, 64);
  if (charCount(prompt) > contextLength * longest) {
    throw tooLong(`more than ${contextLength}`);
  }
  const ids = idsOf(engine, prompt);
  const unknown = ids.find((id) => id >= vocabSize);
  if (unknown !== undefined) {
    throw refused(
      `the vocabulary has no id ${unknown}, wanted 0 to ${vocabSize - 1}`,
      { param: "prompt", code: "invalid_value" },
    );
  }
  if (ids.length === 0) {
    throw refused("the prompt is empty, wanted at least one token", {
      param,
      code: "invalid_value",
    });
  }
  if (ids.length > contextLength) throw tooLong(`${ids.length}`);
}

/** Characters of a prompt; of ids none. */
function charCount(prompt: Prompt): number {
  if ("ids" in prompt) return 0;
  if ("text" in prompt) return prompt.text.length;
  return prompt.messages.reduce((sum, { content }) => sum + content.length, 0);
}

function idsOf(engine: ServedEngine, prompt: Prompt): readonly number[] {
  if ("ids" in prompt) return prompt.ids;
  if ("text" in prompt) return engine.tokenizer.encode(prompt.text);
  try {
    return engine.chatIds(prompt.messages);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ApiError(reason, {
      status: 400,
      param: "messages",
      code: "invalid_value",
    });
  }
}

function refused(
  state: string,
  options: { param: string; code: string },
): ApiError {
  return new ApiError(`Cannot answer: ${state}`, { status: 400, ...options });
}
