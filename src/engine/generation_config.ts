/** What a model says of how it wants to be sampled. */

import { isInRange, RANGES, wrongValue } from "./options.ts";

/** What a model's `generation_config.json` says. */
export interface GenerationDefaults {
  /** Tokens that end the text. */
  eosIds?: number[];
  /** As in {@linkcode GenerateOptions}. */
  temperature?: number;
  /** As in {@linkcode GenerateOptions}. */
  topK?: number;
  /** As in {@linkcode GenerateOptions}. */
  topP?: number;
  /** As in {@linkcode GenerateOptions}. */
  minP?: number;
  /** As in {@linkcode GenerateOptions}. */
  repetitionPenalty?: number;
}

/**
 * Reads a model's `generation_config.json`. Greedy decoding
 * (`"do_sample": false`) becomes temperature 0; `null` counts as missing.
 *
 * @param json The parsed file.
 * @returns What it says of generation.
 * @throws {RangeError} If a value is out of range.
 */
export function parseGenerationConfig(json: unknown): GenerationDefaults {
  const action = "Cannot read generation_config.json";
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new TypeError(`${action}: it holds no JSON object`);
  }
  const config = json as Record<string, unknown>;
  const defaults: GenerationDefaults = {};
  const keys = [
    ["temperature", "temperature"],
    ["top_k", "topK"],
    ["top_p", "topP"],
    ["min_p", "minP"],
    ["repetition_penalty", "repetitionPenalty"],
  ] as const;
  for (const [key, name] of keys) {
    const value = config[key] ?? undefined;
    if (value === undefined) continue;
    const range = RANGES[name];
    if (!isInRange(value, range)) {
      throw wrongValue(action, key, { value, range });
    }
    defaults[name] = value;
  }
  if (config.do_sample === false) defaults.temperature = 0;
  const eos = config.eos_token_id ?? undefined;
  if (eos === undefined) return defaults;
  const eosIds: unknown[] = Array.isArray(eos) ? eos : [eos];
  const range = { integer: true, min: 0 };
  for (const value of eosIds) {
    if (!isInRange(value, range)) {
      throw wrongValue(action, "eos_token_id", { value, range });
    }
  }
  return { ...defaults, eosIds: eosIds as number[] };
}
