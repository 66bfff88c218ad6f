import { dim } from "@std/fmt/colors";
import { foretell } from "../../engine/perplexity.ts";
import {
  summarizeWindows,
  type WindowResult,
} from "../../engine/perplexity_result.ts";
import type { ParsedArgs } from "../args.ts";
import type { Command, Surroundings } from "../command.ts";
import { COMMON_FLAGS } from "../flags.ts";
import { INTERRUPTED } from "../interrupts.ts";
import { chosenModel } from "../models/chosen_model.ts";
import type { CliEngine } from "../open_engine.ts";
import { openModel } from "../open_model.ts";
import { profileTable } from "../profile_table.ts";
import { progressLine } from "../progress.ts";
import { readText } from "../read_text.ts";
import { JSON_FLAG, TEXT_LOAD_FLAGS } from "../shared_flags.ts";
import { UsageError } from "../usage_error.ts";
import { count, foretellProgress } from "./foretell_progress.ts";
import { perplexityLines, windowLine } from "./perplexity_lines.ts";
import {
  checkTextFlags,
  describeText,
  nameOf,
  type PreparedText,
  prepareText,
  TEXT_FLAGS,
  TEXT_HELP,
} from "./text_flags.ts";

/** `perplexity`: how well a model foretells a text. */
export const PERPLEXITY: Command = {
  name: "perplexity",
  summary: "Computes the perplexity of a text",
  usage: "<text file> [flags]",
  details: "How well the model foretells each token of a text from those " +
    "before it: e to the power of the\nmean negative log-likelihood; lower is " +
    `better. - reads the text from stdin.\n\n${TEXT_HELP}\n\nCtrl-C prints ` +
    "what the windows so far gave. The result goes to stdout, everything else " +
    "to stderr.",
  flags: [
    ...TEXT_FLAGS,
    {
      name: "per-window",
      option: "perWindow",
      help: "Print a line for each window; --json always has them",
    },
    JSON_FLAG,
    // The context is a window.
    ...TEXT_LOAD_FLAGS.filter(({ name }) => name !== "context"),
    ...COMMON_FLAGS,
  ],
  run,
};

type Values = ParsedArgs["values"];

async function run(
  { values, positional }: ParsedArgs,
  surroundings: Surroundings,
): Promise<number> {
  const { io, interrupts } = surroundings;
  const [path, ...more] = positional;
  if (path === undefined || more.length > 0) {
    throw new UsageError(
      `perplexity has ${positional.length} text files, wanted one, or - for stdin`,
    );
  }
  if (values.json && values.perWindow) {
    throw new UsageError(
      "--per-window does not go with --json, which has them",
    );
  }
  checkTextFlags(values);
  const text = await prepare(
    await readText(path, io, "text"),
    values,
  );
  await using model = await openModel(values, surroundings, {
    contextLength: text.options.windowLength,
    ...text.description.decode && { chunkSize: 1 },
  });
  const { engine } = model;
  const measured = await measure(engine, text, { values, io, interrupts });
  const { windows } = measured;
  const { windowCount } = text.description;
  const isStopped = windows.length < windowCount;
  if (isStopped) {
    io.err(`Stopped after ${windows.length} of ${windowCount} windows\n`);
  }
  if (windows.length > 0) {
    const result = summarizeWindows(windows);
    io.out(
      values.json
        ? JSON.stringify({
          ...{ model: engine.name, adapter: engine.adapter },
          ...{ text: nameOf(path), ...text.description },
          ...{ ...result, ...measured },
        }) + "\n"
        : perplexityLines(result),
    );
  }
  if (!values.quiet) {
    const description = describeText(text.description);
    io.err(
      dim(
        `# ${engine.name} on ${engine.adapter}; ${nameOf(path)}: ` +
          `${description}; ${speedText(measured)}`,
      ) + "\n",
    );
  }
  if (engine.profile) io.err(profileTable(engine.profile));
  return isStopped ? INTERRUPTED : 0;
}

/** What was measured. */
interface Measured {
  readonly windows: readonly WindowResult[];
  readonly ranTokenCount: number;
  readonly timeMs: number;
  readonly tokensPerSecond: number;
}

/** Runs the windows up to the last, or to Ctrl-C. */
async function measure(
  engine: CliEngine,
  { ids, options }: PreparedText,
  { values, io, interrupts }: Pick<Surroundings, "io" | "interrupts"> & {
    values: Values;
  },
): Promise<Measured> {
  const controller = new AbortController();
  using _listening = interrupts.listen(() => controller.abort());
  using line = progressLine(io, values.quiet === true);
  const start = performance.now();
  const windows: WindowResult[] = [];
  let ranTokenCount = 0;
  const foretold = foretell(engine, ids, {
    ...options,
    signal: controller.signal,
    onProgress(progress) {
      ranTokenCount = progress.doneTokenCount;
      const seconds = (performance.now() - start) / 1000;
      line.write(foretellProgress(progress, seconds));
    },
  });
  for await (const window of foretold) {
    windows.push(window);
    if (!values.perWindow) continue;
    line.write("");
    io.out(windowLine(window, summarizeWindows(windows)) + "\n");
  }
  const timeMs = performance.now() - start;
  const tokensPerSecond = ranTokenCount / timeMs * 1000;
  return { windows, ranTokenCount, timeMs, tokensPerSecond };
}

function speedText(
  { ranTokenCount, timeMs, tokensPerSecond }: Measured,
): string {
  const seconds = (timeMs / 1000).toFixed(1);
  return `${count(ranTokenCount)} tokens in ${seconds} s, ${
    Math.floor(tokensPerSecond)
  } tok/s`;
}

/** Before the weights load: a text that is too short is told of at once. */
async function prepare(text: string, values: Values): Promise<PreparedText> {
  // Only now, so that help and errors in flags come at once.
  const { openSource } = await import("../../engine/model_source.ts");
  using source = await openSource(
    await chosenModel(values.model as string | undefined),
  );
  return prepareText(text, source, values);
}
