import type { GenerateOptions } from "../engine/options.ts";
import type { Flag, FlagValue } from "./args.ts";
import { type LoadOptions, WEIGHT_BITS } from "../engine/load_options.ts";
import { ACTIVATIONS } from "../gpu/activations.ts";
import { OFFLOAD_FLAGS, OFFLOAD_REPORT_FLAGS } from "./offload_flags.ts";
import { SYNTHETIC_SHAPES } from "../model/synthetic_shapes.ts";
import { SAMPLING_FLAGS } from "./sampling_flags.ts";

const GROUP = "64, and 16 for 2 bits";
const SCALE_GROUP = "256 for 8 and 4 bits, 128 for 3 and 2";
/** A count that is not 0. */
export const SIZE = { integer: true, min: 1 };

/** A model of random weights; for commands that measure. */
export const SYNTHETIC_FLAG: Flag = {
  name: "synthetic",
  option: "synthetic",
  value: "<shape>",
  choices: SYNTHETIC_SHAPES,
  help: "Make up the weights of a model instead of opening one; it has no text",
};

/** How to load a model. */
export const LOAD_FLAGS: readonly Flag[] = [
  {
    name: "model",
    option: "model",
    letter: "m",
    value: "<directory>",
    help: "The model: a directory, or a name as moeno list shows",
    default: "the bundled model",
    completes: "model",
  },
  SYNTHETIC_FLAG,
  {
    name: "attn-bits",
    option: "attnBits",
    value: "<bits>",
    choices: WEIGHT_BITS,
    help: "Bits of a weight of the attention",
    default: "as in the checkpoint",
  },
  {
    name: "expert-bits",
    option: "expertBits",
    value: "<bits>",
    choices: WEIGHT_BITS,
    help: "Bits of a weight of the experts",
    default: "as in the checkpoint",
  },
  sizeFlag(
    "attn-group-size",
    GROUP,
    "Rows of the attention that share a scale",
  ),
  sizeFlag(
    "expert-group-size",
    GROUP,
    "Rows of the experts that share a scale",
  ),
  sizeFlag("attn-scale-group-size", SCALE_GROUP, "Its scales that share one"),
  sizeFlag(
    "expert-scale-group-size",
    SCALE_GROUP,
    "Their scales that share one",
  ),
  {
    name: "context",
    option: "contextLength",
    value: "<n>",
    range: SIZE,
    help: "How many tokens the KV cache holds",
    default: "what the model was made for, at most 4096",
  },
  {
    name: "chunk-size",
    option: "chunkSize",
    value: "<n>",
    range: SIZE,
    help: "How many tokens of a prompt run at once",
    default: "512",
  },
  {
    name: "activations",
    option: "activations",
    value: "<type>",
    choices: ACTIVATIONS,
    help:
      "How exact inputs of quantized matrices are while tokens come one by " +
      "one, on a GPU; fewer bits are faster, int8 by a fifth on an H200",
    default: "float32",
  },
  ...OFFLOAD_FLAGS,
  {
    name: "no-tuning",
    option: "noTuning",
    help: "Ignore what moeno tune found out about this device",
  },
];

/** What every command that uses a model has. */
export const COMMON_FLAGS: readonly Flag[] = [
  ...OFFLOAD_REPORT_FLAGS,
  {
    name: "profile",
    option: "profile",
    help: "Time every kernel on its own, and say on stderr where a token's " +
      "time goes",
  },
  { name: "quiet", option: "quiet", letter: "q", help: "No statistics" },
  { name: "verbose", option: "verbose", help: "Say what goes on" },
  { name: "debug", option: "debug", help: "Show the stack of an error" },
  {
    name: "help",
    option: "help",
    letter: "h",
    help: "Show this help",
    isTypedOnly: true,
  },
];

/** The system message. */
export const SYSTEM_FLAG: Flag = {
  name: "system",
  option: "system",
  value: "<text>",
  help: "What the model is told before the conversation",
};

/**
 * The values that say how to generate.
 *
 * @param values All values.
 * @returns The engine's options.
 */
export function generateOptions(
  values: Readonly<Record<string, FlagValue>>,
): GenerateOptions {
  return pick(values, SAMPLING_FLAGS);
}

/**
 * The values that say how to load.
 *
 * @param values All values.
 * @returns The engine's options.
 */
export function loadOptions(
  values: Readonly<Record<string, FlagValue>>,
): LoadOptions {
  const isOption = ({ option }: Flag) =>
    !["model", "synthetic", "noTuning"].includes(option);
  return {
    ...pick(values, LOAD_FLAGS.filter(isOption)),
    ...values.noTuning !== undefined &&
      { tuning: values.noTuning ? "off" : "on" },
  };
}

/** Each flag has checked the type of its value. */
function pick(
  values: Readonly<Record<string, FlagValue>>,
  flags: readonly Flag[],
): Record<string, never> {
  const names = flags.map(({ option }) => option);
  return Object.fromEntries(
    Object.entries(values).filter(([option]) => names.includes(option)),
  ) as Record<string, never>;
}

function sizeFlag(name: string, fallback: string, help: string): Flag {
  const option = name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
  return {
    name,
    option,
    value: "<n>",
    range: SIZE,
    help,
    default: fallback,
  };
}
