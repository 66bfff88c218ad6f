import { dim } from "@std/fmt/colors";
import type {
  QuantizeModelOptions,
  QuantizeResult,
} from "../engine/quantize_options.ts";
import { formatByteLength } from "../io/byte_length.ts";
import { counted } from "../io/counted.ts";
import type { Flag, ParsedArgs } from "./args.ts";
import type { Command, Surroundings } from "./command.ts";
import { SIZE } from "./flags.ts";
import { INTERRUPTED } from "./interrupts.ts";
import { chosenModel } from "./models/chosen_model.ts";
import { progressLine } from "./progress.ts";
import { quantizeProgress } from "./quantize_progress.ts";
import { loadFlag, PLAIN_FLAGS } from "./shared_flags.ts";
import { UsageError } from "./usage_error.ts";

/** Flags that are options of `quantizeModel()`. */
const QUANTIZE_FLAGS: readonly Flag[] = [
  loadFlag("attn-bits", "4, or as in a source that is quantized"),
  loadFlag("expert-bits", "2, or as in a source that is quantized"),
  {
    name: "group-size",
    option: "groupSize",
    value: "<n>",
    range: SIZE,
    help: "Weights that share a scale, of both",
    default: "64, and 16 for 2 bits",
  },
  loadFlag("attn-group-size"),
  loadFlag("expert-group-size"),
  loadFlag("attn-scale-group-size"),
  loadFlag("expert-scale-group-size"),
  {
    name: "axis",
    option: "axis",
    value: "<axis>",
    choices: [0, 1],
    help: "Groups are of output rows (0) or of inputs (1), of both",
    default: "0, or as in a source that is quantized",
  },
  {
    name: "workers",
    option: "workerCount",
    value: "<n>",
    range: SIZE,
    help: "How many matrices to quantize at a time; the result is the same",
    default: "one for each core, as far as the memory goes",
  },
  {
    name: "sharded",
    option: "isSharded",
    help: "A file for the experts of each layer, as models above 1 GB get",
  },
  {
    name: "force",
    option: "force",
    help: "Replace a model, or a run with other options, that is there",
    isTypedOnly: true,
  },
];

/** `quantize`: a model to a smaller one. */
export const QUANTIZE: Command = {
  name: "quantize",
  summary: "Quantizes a model to a directory of its own",
  usage: "<source> <target> [flags]",
  details: "The source is any directory that chat opens. The target loads as " +
    "it is, to the same\nbits as the source with the same flags. Work goes to " +
    "<target>.part; if it is\ninterrupted, the same command goes on from there.",
  flags: [
    ...QUANTIZE_FLAGS,
    {
      name: "json",
      option: "json",
      help: "Print one JSON object with sizes, counts and time",
    },
    ...PLAIN_FLAGS,
  ],
  run,
};

async function run(
  { values, positional }: ParsedArgs,
  { io, interrupts }: Surroundings,
): Promise<number> {
  const [source, target, ...more] = positional;
  if (source === undefined || target === undefined || more.length > 0) {
    throw new UsageError(
      `quantize has ${
        counted(positional.length, "directory", "directories")
      }, wanted two: <source> <target>`,
    );
  }
  // Only now, so that help and errors in flags come at once.
  const { quantizeModel } = await import("../engine/quantize_model.ts");
  const options: QuantizeModelOptions = Object.fromEntries(
    QUANTIZE_FLAGS.filter(({ option }) => values[option] !== undefined)
      .map(({ option }) => [option, values[option]]),
  );
  const controller = new AbortController();
  using _listening = interrupts.listen(() => controller.abort());
  const isQuiet = values.quiet === true;
  let result: QuantizeResult;
  try {
    using line = progressLine(io, isQuiet);
    result = await quantizeModel(await chosenModel(source), target, {
      ...options,
      onProgress: quantizeProgress(line.show),
      signal: controller.signal,
    });
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    const part = `${target.replace(/[/\\]+$/, "")}.part`;
    io.err(`Stopped; the same command goes on from ${part}\n`);
    return INTERRUPTED;
  }
  if (values.json) io.out(JSON.stringify(result) + "\n");
  if (!isQuiet) io.err(dim(resultLine(result)) + "\n");
  return 0;
}

/** What was done, in a line. */
function resultLine(result: QuantizeResult): string {
  const { directory, fileCount, reusedFileCount, workerCount } = result;
  const seconds = result.timeMs / 1000;
  const speed = (result.weightCount / seconds / 1e6).toFixed(1);
  return [
    `# ${directory}: ${formatByteLength(result.sourceByteLength)} to ${
      formatByteLength(result.byteLength)
    }`,
    counted(fileCount, "file") +
    (reusedFileCount === 0 ? "" : `, ${reusedFileCount} of an earlier run`),
    `${seconds.toFixed(1)} s, ${speed} M weights/s, ` +
    counted(workerCount, "worker"),
  ].join("; ");
}
