/** A model whose answer is known. */

import { load } from "../load.ts";
import type { AnswerFacts } from "./judge_speed.ts";

/** What `stories-17m-q` is asked, and what it writes with temperature 0. */
const PROMPT = "Once upon a time";
const ANSWER = " there was a little girl named Sarah.";
const TOKEN_COUNT = 24;

/**
 * Loads the bundled model and lets it write a little.
 *
 * @param directory Where it is; `null` if it is not there.
 * @returns What it wrote; `null` without a model.
 * @throws {Error} If it cannot be loaded.
 */
export async function askModel(
  directory: string | null,
): Promise<AnswerFacts | null> {
  if (directory === null) return null;
  const start = performance.now();
  using engine = await load(directory);
  const loadSeconds = (performance.now() - start) / 1000;
  const options = {
    temperature: 0,
    repetitionPenalty: 1,
    maxTokens: TOKEN_COUNT,
  };
  for await (const { final } of engine.generate(PROMPT, options)) {
    if (final === undefined) continue;
    return {
      text: final.text.slice(0, ANSWER.length),
      wanted: ANSWER,
      loadSeconds,
      tokensPerSecond: final.decodeTokensPerSecond ?? null,
    };
  }
  throw new Error("Cannot ask the bundled model: it ended without a word");
}
