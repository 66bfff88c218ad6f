import type { Ask, Prompt } from "./ask.ts";
import { Fields, type JsonObject } from "./fields.ts";
import { CANDIDATE_RANGE, samplingFields } from "./sampling_fields.ts";

/** The most prompts of a request. */
const MOST_PROMPTS = 64;

/** A request, and whether answers repeat their prompt. */
export interface CompletionAsk extends Ask {
  /** Whether the text begins with the prompt. */
  readonly echoes: boolean;
}

/**
 * Reads the body of `POST /v1/completions`.
 *
 * @param body The JSON object.
 * @returns What it asks for.
 * @throws {ApiError} If a field is missing, of the wrong type or out of range, or
 * asks for what there is not; it names the field.
 */
export function parseCompletionRequest(body: JsonObject): CompletionAsk {
  const fields = new Fields(body);
  const { options, ...rest } = samplingFields(fields);
  const bestOf = fields.number("best_of", { integer: true, min: 1 });
  if (bestOf !== undefined && bestOf !== rest.count) {
    throw fields.wrong("best_of", "as many as n");
  }
  if (fields.string("suffix")) {
    throw fields.wrong("suffix", "none: the model only goes on from a text");
  }
  const echoes = fields.boolean("echo") ?? false;
  const logprobs = fields.number("logprobs", CANDIDATE_RANGE);
  if (echoes && logprobs !== undefined) {
    throw fields.wrong("logprobs", "none with echo: a prompt has none here");
  }
  const prompts = promptsOf(fields);
  if (echoes && prompts.some((prompt) => !("text" in prompt))) {
    throw fields.wrong("echo", "a prompt of text with it");
  }
  return {
    ...rest,
    prompts,
    echoes,
    options: { ...options, logprobs },
  };
}

/** A text, ids, or a list of either. */
function promptsOf(fields: Fields): Prompt[] {
  const wanted = "a string, a list of token ids, or a list of either";
  const prompt = fields.any("prompt");
  if (prompt === undefined) throw fields.wrong("prompt", wanted);
  const isList = Array.isArray(prompt);
  if (isList && prompt.length === 0) {
    throw fields.wrong("prompt", "at least one token or text");
  }
  const list = isList && !isIds(prompt) ? prompt : [prompt];
  if (list.length > MOST_PROMPTS) {
    throw fields.wrong("prompt", `at most ${MOST_PROMPTS} prompts`);
  }
  return list.map((item) => {
    if (typeof item === "string") return { text: item };
    if (isIds(item)) return { ids: item };
    throw fields.wrong("prompt", wanted);
  });
}

function isIds(value: unknown): value is number[] {
  return Array.isArray(value) && value.length > 0 &&
    value.every((id) => Number.isInteger(id) && id >= 0);
}
