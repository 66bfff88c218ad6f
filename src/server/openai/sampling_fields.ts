import { type GenerateOptions, RANGES } from "../../engine/options.ts";
import type { Ask } from "./ask.ts";
import type { Fields } from "./fields.ts";
import { responseFormat } from "./response_format.ts";

/** The most answers to one prompt. */
const MOST_ANSWERS = 16;

/** How many candidates OpenAI's API lists at a place. */
export const CANDIDATE_RANGE = { integer: true, min: 0, max: 20 };

/** OpenAI's limits of a bias; 100 decides, one way or the other. */
const BIAS_RANGE = { min: -100, max: 100 };

/** What holds answers to a form in llama.cpp's and vLLM's servers. */
const OTHER_FORMATS = [
  "grammar",
  "json_schema",
  "guided_json",
  "guided_regex",
  "guided_choice",
  "guided_grammar",
  "structured_outputs",
];

/** Numbers by what requests call them; the first name that is given counts. */
const NUMBERS = {
  maxTokens: ["max_completion_tokens", "max_tokens"],
  temperature: ["temperature"],
  topK: ["top_k"],
  topP: ["top_p"],
  minP: ["min_p"],
  repetitionPenalty: ["repetition_penalty", "repeat_penalty"],
  presencePenalty: ["presence_penalty"],
  frequencyPenalty: ["frequency_penalty"],
  penaltyWindow: ["penalty_window", "repeat_last_n"],
  seed: ["seed"],
} as const satisfies Partial<Record<keyof typeof RANGES, readonly string[]>>;

/**
 * Takes what chats and completions have in common. What is not given is left to
 * the model's defaults.
 *
 * @param fields The request.
 * @returns How to generate, how many answers, and whether as a stream.
 * @throws {ApiError} If a field is of the wrong type or out of range, or would hold
 * answers to a form that is not kept to.
 */
export function samplingFields(fields: Fields): Omit<Ask, "prompts"> {
  fields.string("model"); // any name: there is one model
  for (const name of OTHER_FORMATS) {
    if (fields.any(name) === undefined) continue;
    throw fields.wrong(name, "response_format in place of it");
  }
  const numbers: Record<string, number> = {};
  for (const [option, names] of Object.entries(NUMBERS)) {
    const range = RANGES[option as keyof typeof NUMBERS];
    for (const name of names.toReversed()) {
      const value = fields.number(name, range);
      if (value !== undefined) numbers[option] = value;
    }
  }
  const options: GenerateOptions = {
    ...numbers,
    stop: fields.strings("stop"),
    ignoreEos: fields.boolean("ignore_eos"),
    logitBias: logitBias(fields),
    responseFormat: responseFormat(fields),
  };
  const streamOptions = fields.fields("stream_options");
  return {
    count: fields.number("n", { integer: true, min: 1, max: MOST_ANSWERS }) ??
      1,
    options,
    isStream: fields.boolean("stream") ?? false,
    includesUsage: streamOptions?.boolean("include_usage") ?? false,
  };
}

function logitBias(fields: Fields): Record<number, number> | undefined {
  const object = fields.object("logit_bias");
  if (object === undefined) return undefined;
  const entries = fields.fields("logit_bias")!;
  const biases: Record<number, number> = {};
  for (const key of Object.keys(object)) {
    const bias = entries.number(key, BIAS_RANGE);
    if (!/^\d+$/.test(key)) {
      throw fields.wrong("logit_bias", "an object from token ids to numbers");
    }
    if (bias !== undefined) biases[Number(key)] = bias;
  }
  return biases;
}
