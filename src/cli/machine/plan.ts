import { dim } from "@std/fmt/colors";
import type {
  Forecast,
  ForecastOptions,
} from "../../engine/forecast/forecast.ts";
import type { SyntheticShape } from "../../model/synthetic_shapes.ts";
import type { Flag, FlagValue, ParsedArgs } from "../args.ts";
import type { Command, Surroundings } from "../command.ts";
import { LOAD_FLAGS, loadOptions } from "../flags.ts";
import { INTERRUPTED } from "../interrupts.ts";
import { chosenModel } from "../models/chosen_model.ts";
import { JSON_FLAG, PLAIN_FLAGS } from "../shared_flags.ts";
import { readSlots } from "../slots_file.ts";
import { refuseArguments, refuseTogether } from "../usage_error.ts";
import { planReport } from "./plan_report.ts";
import { readTrace } from "../read_trace.ts";

/** What is known of routing, and how to answer. */
const PLAN_FLAGS: readonly Flag[] = [
  {
    name: "hit-rate",
    option: "hitRate",
    value: "<r>",
    range: { min: 0, max: 1 },
    help:
      "How often an expert is taken to be in a slot, with the slots planned",
    default: "slots / experts, as for routing that is even and random",
  },
  {
    name: "trace-file",
    option: "traceFile",
    value: "<path>",
    help:
      "Take hit rates from a text's routing instead, as chat --trace <path> " +
      "records it",
  },
  {
    name: "no-measure",
    option: "noMeasure",
    help: "Do not time this machine; speeds are left out",
  },
  JSON_FLAG,
  {
    name: "markdown",
    option: "markdown",
    help: "Print Markdown",
  },
];

/** `plan`: what goes where and how fast it will be, before anything loads. */
export const PLAN: Command = {
  name: "plan",
  summary: "Shows what of a model fits where, and how fast it will be",
  usage: "[flags]",
  details:
    "Reads the headers of a checkpoint only, however large it is, and plans " +
    "what chat would load\nwith the same flags. Then it times a few made-up " +
    "layers of the same shapes on this machine,\nto say what speed to expect " +
    "with each number of slots, and which flags would raise it. The\nreport " +
    "goes to stdout, everything else to stderr.",
  flags: [
    ...PLAN_FLAGS,
    ...LOAD_FLAGS,
    ...PLAIN_FLAGS,
  ],
  run,
};

type Values = Readonly<Record<string, FlagValue>>;

async function run(
  { values, positional }: ParsedArgs,
  { io, interrupts }: Surroundings,
): Promise<number> {
  refuseArguments("plan", positional, "--model names a model");
  checkUsage(values);
  const options = await forecastOptions(values);
  const controller = new AbortController();
  using _listening = interrupts.listen(() => controller.abort());
  // Loaded only now, so that help and errors in flags come at once.
  const { forecast } = await import("../../engine/forecast/forecast.ts");
  const model = values.synthetic === undefined
    ? await chosenModel(values.model as string | undefined)
    : { synthetic: values.synthetic as SyntheticShape };
  let result: Forecast;
  try {
    result = await forecast(model, {
      ...options,
      onProgress: (what) => {
        if (!values.quiet) io.err(dim(`# measuring ${what}`) + "\n");
      },
      signal: controller.signal,
    });
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    return INTERRUPTED;
  }
  io.out(
    values.json
      ? JSON.stringify(result) + "\n"
      : planReport(result, { isMarkdown: values.markdown === true }),
  );
  return 0;
}

function checkUsage(values: Values): void {
  refuseTogether([
    ["--synthetic", "--model", values.synthetic && values.model],
    ["--json", "--markdown", values.json && values.markdown],
    [
      "--hit-rate",
      "--trace-file",
      values.hitRate !== undefined && values.traceFile,
    ],
  ]);
}

async function forecastOptions(values: Values): Promise<ForecastOptions> {
  const { slots, hitRate, traceFile, noMeasure } = values;
  return {
    load: {
      ...loadOptions(values),
      ...slots !== undefined && { slots: await readSlots(slots) },
    },
    ...hitRate !== undefined && { hitRate: hitRate as number },
    ...traceFile !== undefined && {
      trace: await readTrace(traceFile as string),
    },
    isMeasured: noMeasure !== true,
  };
}
