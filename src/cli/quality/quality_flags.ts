import type { BitsPair } from "../../engine/bits_pair.ts";
import { WEIGHT_BITS, type WeightBits } from "../../engine/load_options.ts";
import type { QualityCase } from "../../engine/quality.ts";
import { ACTIVATIONS, type Activations } from "../../gpu/activations.ts";
import type { Flag, FlagValue } from "../args.ts";
import { COMMON_FLAGS } from "../flags.ts";
import { listFlag } from "../list_flag.ts";
import { JSON_FLAG, TEXT_LOAD_FLAGS } from "../shared_flags.ts";
import { UsageError } from "../usage_error.ts";
import { TEXT_FLAGS } from "./text_flags.ts";

/** Table 1 of mixtral-offloading (arXiv 2312.17238). */
const TABLE_1_BITS: readonly WeightBits[] = [16, 4, 3, 2];

/** Flags of loading that `quality` has no use for. */
const OTHERS = ["context", "attn-bits", "expert-bits", "activations"];

/** The flags of `quality`. */
export const QUALITY_FLAGS: readonly Flag[] = [
  bitsFlag("attn-bits", "attnBits", "attention"),
  bitsFlag("expert-bits", "expertBits", "experts"),
  {
    name: "bits",
    option: "pairs",
    value: "<attn>/<experts>,…",
    parse: parsePairs,
    wanted: `pairs such as 16/16,4/2 of ${WEIGHT_BITS.join(", ")}`,
    help: "These pairs of bits instead of all combinations, such as " +
      "16/16,4/4,4/2",
  },
  ...TEXT_FLAGS,
  listFlag({
    name: "activations",
    option: "activations",
    value: "<type>",
    choices: ACTIVATIONS,
    help: "With --decode: how exact inputs of quantized matrices are, on a GPU",
    default: "float32",
  }),
  JSON_FLAG,
  { name: "markdown", option: "markdown", help: "Print Markdown tables" },
  ...TEXT_LOAD_FLAGS.filter(({ name }) => !OTHERS.includes(name)),
  ...COMMON_FLAGS.filter(({ name }) =>
    !["trace", "trace-ahead", "profile"].includes(name)
  ),
];

/**
 * Lists the ways to load a model.
 *
 * @param values The values of the flags.
 * @param stored The bits that the model has in its files: what is quantized
 * already is taken as it is, where nobody says otherwise.
 * @returns The ways: attention by attention, then experts, then activations.
 */
export function qualityCases(
  values: Readonly<Record<string, FlagValue>>,
  stored: BitsPair,
): QualityCase[] {
  const {
    attnBits = fallback(stored.attnBits),
    expertBits = fallback(stored.expertBits),
    pairs,
    activations = ["float32"],
  } = values as {
    attnBits?: readonly WeightBits[];
    expertBits?: readonly WeightBits[];
    pairs?: readonly string[];
    activations?: readonly Activations[];
  };
  const chosen = pairs?.map(parsePair) ??
    distinct(attnBits).flatMap((attnBits) =>
      distinct(expertBits).map((expertBits) => ({ attnBits, expertBits }))
    );
  return chosen.flatMap((pair) =>
    distinct(activations).map((activations) => ({ ...pair, activations }))
  );
}

/**
 * Refuses flags that do not go together.
 *
 * @param values The values of the flags.
 * @throws {UsageError} If there are such.
 */
export function checkQualityFlags(
  values: Readonly<Record<string, FlagValue>>,
): void {
  for (
    const [one, other, isWrong] of [
      ["--json", "--markdown", values.json && values.markdown],
      ["--bits", "--attn-bits", values.pairs && values.attnBits],
      ["--bits", "--expert-bits", values.pairs && values.expertBits],
    ]
  ) {
    if (isWrong) throw new UsageError(`${one} does not go with ${other}`);
  }
}

function fallback(stored: WeightBits): readonly WeightBits[] {
  return stored === 16 ? TABLE_1_BITS : [stored];
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}

/** Checks pairs, and leaves them as they are: text. */
function parsePairs(text: string): string[] {
  const pairs = distinct(text.split(",").map((pair) => pair.trim()));
  for (const pair of pairs) parsePair(pair);
  return pairs;
}

function parsePair(pair: string): BitsPair {
  const [attnBits, expertBits, ...more] = pair.split("/")
    .map((text) => WEIGHT_BITS.find((bits) => String(bits) === text.trim()));
  if (attnBits !== undefined && expertBits !== undefined && more.length === 0) {
    return { attnBits, expertBits };
  }
  throw new SyntaxError(`Cannot read a pair of bits: received "${pair}"`);
}

function bitsFlag(name: string, option: string, part: string): Flag {
  return listFlag({
    name,
    option,
    value: "<bits>",
    choices: WEIGHT_BITS,
    help: `Bits of the ${part}, 16 for the checkpoint's own floats`,
    default: `${TABLE_1_BITS.join()}, or as in a checkpoint that is quantized`,
  });
}
