import type { GenerationDefaults } from "./generation_config.ts";
import type { ResponseFormat } from "./response_format.ts";
import { showJson } from "../io/show_json.ts";
import { freshSeed } from "./random.ts";
import type { SamplerOptions } from "./sampler.ts";

/** How to generate. What is not given comes from the model, then a default. */
export interface GenerateOptions {
  /**
   * The most tokens to generate; 0 only reads the prompt.
   *
   * @default {Infinity} until the context is full
   */
  maxTokens?: number | undefined;
  /**
   * Logits are divided by it; 0 always picks the most probable token.
   *
   * @default {0.8}
   */
  temperature?: number | undefined;
  /**
   * Keep the k most probable tokens; 0 keeps all.
   *
   * @default {40}
   */
  topK?: number | undefined;
  /**
   * Keep the fewest tokens whose probabilities sum to at least p; 1 keeps all.
   *
   * @default {0.95}
   */
  topP?: number | undefined;
  /**
   * Keep tokens at least p times as probable as the best; 0 keeps all.
   *
   * @default {0.05}
   */
  minP?: number | undefined;
  /**
   * Above 1, tokens of the window become less likely. From 0.001 to 1000.
   *
   * @default {1}
   */
  repetitionPenalty?: number | undefined;
  /**
   * Taken off the logit of each token in the window. From -1000 to 1000.
   *
   * @default {0}
   */
  presencePenalty?: number | undefined;
  /**
   * Taken off a logit for each time its token is there. From -1000 to 1000.
   *
   * @default {0}
   */
  frequencyPenalty?: number | undefined;
  /**
   * How many of the last tokens the penalties see, prompt included; -1 is all.
   *
   * @default {64}
   */
  penaltyWindow?: number | undefined;
  /**
   * Same seed, same text.
   *
   * @default {number} a fresh one each time, named in the result
   */
  seed?: number | undefined;
  /** Strings that end the text; they are not part of it. */
  stop?: readonly string[] | undefined;
  /**
   * Give log-probabilities, and those of the n most probable tokens.
   *
   * @default {undefined} none
   */
  logprobs?: number | undefined;
  /**
   * Added to the logits of tokens, by their ids, before anything else: -100 forbids a
   * token in effect, 100 forces it.
   */
  logitBias?: Readonly<Record<number, number>> | undefined;
  /**
   * What the text has to be: then only tokens that keep to it are picked, and the text
   * ends where it is whole, or where `maxTokens` or the context cuts it off.
   *
   * @default {{ type: "text" }}
   */
  responseFormat?: ResponseFormat | undefined;
  /** Stops at the next token when aborted. */
  signal?: AbortSignal | undefined;
  /**
   * Hears how much of the prompt has run: before its first token, then after each
   * piece that the model runs at once.
   */
  onPrefill?: ((progress: PrefillProgress) => void) | undefined;
  /**
   * Go on after the model's end-of-text token.
   *
   * @default {false}
   */
  ignoreEos?: boolean | undefined;
}

/** How much of a prompt has run. */
export interface PrefillProgress {
  /** Tokens that have run. */
  done: number;
  /** Tokens to run: those of the prompt that the KV cache lacks. */
  total: number;
}

/** Options with nothing left open. */
export interface Settings extends SamplerOptions {
  /** The most tokens to generate. */
  maxTokens: number;
  /** Seed of the random generator. */
  seed: number;
  /** Strings that end the text. */
  stop: readonly string[];
  /** How many of the most probable tokens to list; none: no logprobs. */
  logprobs: number | undefined;
  /** Added to the logits of tokens, by their ids. */
  logitBias: ReadonlyMap<number, number>;
  /** What the text has to be. */
  responseFormat: ResponseFormat | undefined;
  /** Stops at the next token when aborted. */
  signal: AbortSignal | undefined;
  /** Hears how much of the prompt has run. */
  onPrefill?: ((progress: PrefillProgress) => void) | undefined;
  /** Tokens that end the text; empty if the end is ignored. */
  eosIds: readonly number[];
}

/** The numbers that an option may be. */
export interface Range {
  /** Whether it must be whole. */
  integer?: boolean;
  /** The least. */
  min?: number;
  /** The most. */
  max?: number;
  /** It must be more than this. */
  above?: number;
}

/** The numbers that each option may be. */
export const RANGES = {
  maxTokens: { integer: true, min: 0 },
  temperature: { min: 0 },
  topK: { integer: true, min: 0 },
  topP: { min: 0, max: 1 },
  minP: { min: 0, max: 1 },
  // Within these, logits stay numbers of float32.
  repetitionPenalty: { min: 0.001, max: 1000 },
  presencePenalty: { min: -1000, max: 1000 },
  frequencyPenalty: { min: -1000, max: 1000 },
  penaltyWindow: { integer: true, min: -1 },
  seed: { integer: true, min: 0, max: Number.MAX_SAFE_INTEGER },
  logprobs: { integer: true, min: 0 },
} as const satisfies Record<string, Range>;

/** What an option is if neither the caller nor the model says. */
export const DEFAULTS = {
  maxTokens: Infinity,
  temperature: 0.8,
  topK: 40,
  topP: 0.95,
  minP: 0.05,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  penaltyWindow: 64,
} as const;

/**
 * Checks options and fills in what is missing: first from the model's
 * `generation_config.json`, then from {@linkcode DEFAULTS}.
 *
 * @param options What the caller asks for.
 * @param model What the model asks for.
 * @returns Settings with nothing left open.
 * @throws {TypeError} If a value has the wrong type.
 * @throws {RangeError} If a value is out of range.
 */
export function resolveOptions(
  options: GenerateOptions,
  model: GenerationDefaults = {},
): Settings {
  for (const [name, range] of Object.entries(RANGES)) {
    const value = options[name as keyof typeof RANGES];
    if (value === undefined) continue;
    if (name === "maxTokens" && value === Infinity) continue;
    if (!isInRange(value, range)) {
      throw wrongValue("Cannot generate", name, { value, range });
    }
  }
  const stop = options.stop ?? [];
  if (!Array.isArray(stop) || stop.some((text) => typeof text !== "string")) {
    throw new TypeError("Cannot generate: stop is no list of strings");
  }
  if (stop.includes("")) {
    throw new RangeError(
      "Cannot generate: a stop string is empty, wanted at least one character",
    );
  }
  const { eosIds = [], ...modelDefaults } = model;
  return {
    ...DEFAULTS,
    ...modelDefaults,
    ...withoutUndefined(options),
    seed: options.seed ?? freshSeed(),
    stop,
    logprobs: options.logprobs,
    logitBias: biasesOf(options.logitBias),
    responseFormat: options.responseFormat,
    signal: options.signal,
    onPrefill: options.onPrefill,
    eosIds: options.ignoreEos ? [] : eosIds,
  };
}

function biasesOf(
  biases: GenerateOptions["logitBias"] = {},
): ReadonlyMap<number, number> {
  const entries = Object.entries(biases).map(([key, bias]) =>
    [Number(key), bias] as const
  );
  for (const [id, bias] of entries) {
    // A logit with a larger one would be no number of float32.
    if (Number.isInteger(id) && id >= 0 && Math.abs(bias) <= 1e30) continue;
    throw new RangeError(
      `Cannot generate: logitBias has ${bias} for ${id}, wanted numbers by token ids`,
    );
  }
  return new Map(entries);
}

/**
 * Whether a value is a number of the range.
 *
 * @param value Anything.
 * @param range The numbers wanted.
 * @returns Whether it fits.
 */
export function isInRange(value: unknown, range: Range): value is number {
  const { integer = false, min = -Infinity, max = Infinity } = range;
  return typeof value === "number" && Number.isFinite(value) &&
    (!integer || Number.isInteger(value)) && value >= min && value <= max &&
    (range.above === undefined || value > range.above);
}

/**
 * Says which numbers a range holds.
 *
 * @param range The numbers.
 * @returns For example `an integer of at least 0`.
 */
export function describeRange(range: Range): string {
  const kind = range.integer ? "an integer" : "a number";
  const { min, max, above } = range;
  if (above !== undefined) return `${kind} above ${above}`;
  if (min !== undefined && max === Number.MAX_SAFE_INTEGER) {
    return `${kind} from ${min} to 2^53 - 1`;
  }
  if (min !== undefined && max !== undefined) {
    return `${kind} from ${min} to ${max}`;
  }
  if (min !== undefined) return `${kind} of at least ${min}`;
  return kind;
}

/**
 * Makes the error for a value that is out of range.
 *
 * @param action What cannot be done.
 * @param name What has the value.
 * @param options The value, and what it may be.
 * @returns A RangeError if it is a number, else a TypeError.
 */
export function wrongValue(
  action: string,
  name: string,
  { value, range }: { value: unknown; range: Range },
): Error {
  const message = `${action}: ${name} is ${showJson(value)}, wanted ${
    describeRange(range)
  }`;
  return typeof value === "number"
    ? new RangeError(message)
    : new TypeError(message);
}

function withoutUndefined(options: GenerateOptions): Partial<SamplerOptions> {
  return Object.fromEntries(
    Object.entries(options).filter(([name, value]) =>
      name in DEFAULTS && value !== undefined
    ),
  );
}
