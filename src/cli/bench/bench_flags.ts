import type { BenchOptions } from "../../engine/bench.ts";
import { BENCH_DEFAULTS } from "../../engine/bench_cases.ts";
import type { SlotsWish } from "../../offload/slots_wish.ts";
import type { Flag, FlagValue } from "../args.ts";
import { COMMON_FLAGS, LOAD_FLAGS, loadOptions } from "../flags.ts";
import { listFlag } from "../list_flag.ts";
import { JSON_FLAG } from "../shared_flags.ts";
import { readSlots, slotsFileOf } from "../slots_file.ts";
import { refuseTogether, UsageError } from "../usage_error.ts";

const COUNT = { integer: true, min: 1 };

/** The flags of loading whose values are cases, between commas. */
const VARIED = ["expert-bits", "slots", "offload-per-layer", "policy"]
  .concat("prefetch", "residency");

/** Slots of a case: a number, a number for each layer, or a file with these. */
const SLOTS_FLAG: Flag = {
  name: "slots",
  option: "slots",
  value: "<slots>",
  parse: parseCaseSlots,
  wanted: "auto, a number such as 5, one for each layer such as 6/6/5/5, or " +
    "a file with these",
  help:
    "How many experts of each layer the GPU holds: 5, or 6/6/5/5 layer by " +
    "layer, or a file with these",
  default: "auto, what the VRAM holds",
  completes: "file",
};

/** The flags of `bench`. */
export const BENCH_FLAGS: readonly Flag[] = [
  listFlag({
    name: "prompt",
    option: "promptTokens",
    value: "<n>",
    range: COUNT,
    help: "How many tokens the prompt has",
    default: BENCH_DEFAULTS.promptTokens.join(),
  }),
  {
    name: "tokens",
    option: "tokens",
    value: "<n>",
    range: COUNT,
    help: "How many tokens to run after it, one by one",
    default: String(BENCH_DEFAULTS.tokens),
  },
  {
    name: "repeat",
    option: "repeat",
    value: "<n>",
    range: COUNT,
    help: "How often to measure",
    default: String(BENCH_DEFAULTS.repeat),
  },
  listFlag({
    name: "hit-rate",
    option: "hitRates",
    value: "<r>",
    range: { min: 0, max: 1 },
    help: "With --synthetic: how often experts are to be found in slots, one " +
      "for each --slots below all, in order",
  }),
  JSON_FLAG,
  { name: "markdown", option: "markdown", help: "Print a Markdown table" },
  ...LOAD_FLAGS.map((flag) => {
    if (!VARIED.includes(flag.name)) return flag;
    return listFlag(flag.name === "slots" ? SLOTS_FLAG : flag);
  }),
  ...COMMON_FLAGS.filter(({ name }) => !name.startsWith("trace")),
];

/**
 * The values that say what to measure.
 *
 * @param values All values.
 * @returns The options of `bench()`.
 * @throws {UsageError} If flags do not go together.
 * @throws {Error} If a file with slots cannot be read.
 */
export async function benchOptions(
  values: Readonly<Record<string, FlagValue>>,
): Promise<BenchOptions> {
  refuseTogether([
    ["--json", "--markdown", values.json && values.markdown],
    ["--synthetic", "--model", values.synthetic && values.model],
    [
      "--slots",
      "--offload-per-layer",
      values.slots && values.offloadPerLayer,
    ],
  ]);
  if (values.hitRates !== undefined && values.synthetic === undefined) {
    throw new UsageError("--hit-rate needs --synthetic, which routes by it");
  }
  const names = ["promptTokens", "tokens", "repeat", "hitRates", "expertBits"]
    .concat("offloadPerLayer", "policy", "prefetch", "residency");
  const chosen = Object.entries(values)
    .filter(([name]) => names.includes(name));
  const fixed = Object.entries(values)
    .filter(([name]) => name !== "slots" && !names.includes(name));
  const slots = values.slots as readonly string[] | undefined;
  return {
    ...Object.fromEntries(chosen),
    ...slots && { slots: await Promise.all(slots.map(readCaseSlots)) },
    load: {
      ...loadOptions(Object.fromEntries(fixed)),
      ...values.profile && { profile: true },
    },
  };
}

/** Checks the slots of a case, and leaves them as they are: text. */
function parseCaseSlots(text: string): FlagValue {
  if (/^(auto|\d{1,9}(\/\d{1,9})*)$/.test(text)) return text;
  const file = slotsFileOf(text);
  if (file !== undefined) return file;
  throw new SyntaxError(`Cannot read slots: received "${text}"`);
}

async function readCaseSlots(text: string): Promise<SlotsWish> {
  if (text.startsWith("@")) return await readSlots(text);
  if (text === "auto") return text;
  const layers = text.split("/").map(Number);
  return layers.length === 1 ? layers[0]! : layers;
}
