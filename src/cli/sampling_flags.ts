import { DEFAULTS, RANGES } from "../engine/options.ts";
import type { Flag } from "./args.ts";

/** How to generate: the names of the engine's options, with dashes. */
export const SAMPLING_FLAGS: readonly Flag[] = [
  {
    name: "max-tokens",
    option: "maxTokens",
    value: "<n>",
    range: RANGES.maxTokens,
    help: "The most tokens to generate",
    default: "until the context is full",
  },
  {
    name: "temperature",
    option: "temperature",
    value: "<t>",
    range: RANGES.temperature,
    help: "Logits are divided by it; 0 picks the most probable token",
    default: byModel(DEFAULTS.temperature),
  },
  {
    name: "top-k",
    option: "topK",
    value: "<k>",
    range: RANGES.topK,
    help: "Keep the k most probable tokens; 0 keeps all",
    default: byModel(DEFAULTS.topK),
  },
  {
    name: "top-p",
    option: "topP",
    value: "<p>",
    range: RANGES.topP,
    help: "Keep the fewest tokens that are together this probable",
    default: byModel(DEFAULTS.topP),
  },
  {
    name: "min-p",
    option: "minP",
    value: "<p>",
    range: RANGES.minP,
    help: "Keep tokens at least p times as probable as the best",
    default: byModel(DEFAULTS.minP),
  },
  {
    name: "repetition-penalty",
    option: "repetitionPenalty",
    value: "<r>",
    range: RANGES.repetitionPenalty,
    help: "Above 1, recent tokens become less likely",
    default: byModel(DEFAULTS.repetitionPenalty),
  },
  {
    name: "presence-penalty",
    option: "presencePenalty",
    value: "<r>",
    range: RANGES.presencePenalty,
    help: "Taken off the logit of each recent token",
    default: String(DEFAULTS.presencePenalty),
  },
  {
    name: "frequency-penalty",
    option: "frequencyPenalty",
    value: "<r>",
    range: RANGES.frequencyPenalty,
    help: "Taken off for each time that a token is recent",
    default: String(DEFAULTS.frequencyPenalty),
  },
  {
    name: "penalty-window",
    option: "penaltyWindow",
    value: "<n>",
    range: RANGES.penaltyWindow,
    help: "How many of the last tokens are recent; -1 is all",
    default: String(DEFAULTS.penaltyWindow),
  },
  {
    name: "seed",
    option: "seed",
    value: "<n>",
    range: RANGES.seed,
    help: "The same seed gives the same text",
    default: "a fresh one each time",
  },
  {
    name: "stop",
    option: "stop",
    value: "<text>",
    isList: true,
    parse: parseStop,
    wanted: "at least one character",
    help: "A string that ends the text; may be given more than once",
  },
  {
    name: "ignore-eos",
    option: "ignoreEos",
    help: "Go on after the model's end-of-text token",
  },
];

function parseStop(text: string): string {
  if (text === "") throw new SyntaxError("There is none");
  return text;
}

function byModel(fallback: number): string {
  return `the model's own, or ${fallback}`;
}
