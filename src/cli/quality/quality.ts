import type { ModelSource } from "../../engine/model_source.ts";
import type { QualityOptions, SkippedCase } from "../../engine/quality.ts";
import type { QualityRow } from "../../engine/quality_row.ts";
import type { ParsedArgs } from "../args.ts";
import { type Machine, machineOf, titleOf } from "../bench/bench_machine.ts";
import type { Command, Surroundings } from "../command.ts";
import { loadOptions } from "../flags.ts";
import { INTERRUPTED } from "../interrupts.ts";
import { chosenModel } from "../models/chosen_model.ts";
import { planText } from "../plan_text.ts";
import { readText } from "../read_text.ts";
import { readSlots } from "../slots_file.ts";
import { tellActivations } from "../tell_activations.ts";
import { tellTuning } from "../tell_tuning.ts";
import { UsageError } from "../usage_error.ts";
import {
  checkQualityFlags,
  QUALITY_FLAGS,
  qualityCases,
} from "./quality_flags.ts";
import { type QualityReporter, qualityReporter } from "./quality_reporter.ts";
import { qualityTable, rowLine } from "./quality_table.ts";
import {
  checkTextFlags,
  describeText,
  nameOf,
  prepareText,
  TEXT_HELP,
} from "./text_flags.ts";

/** `quality`: what bits of the weights cost. */
export const QUALITY: Command = {
  name: "quality",
  summary: "Compares sizes and perplexities of a model in different bits",
  usage: "[text file] [flags]",
  details:
    "Loads the model with each combination of bits of attention and experts, " +
    "quantizing on the way, and\ncomputes the perplexity of a text: a file, - " +
    "for stdin, or else the eval*.txt beside the model. All\nare compared with " +
    "the first combination. Those that cannot be are left out, with a sentence " +
    `on stderr.\n\n${TEXT_HELP}\n\nCtrl-C prints the rows that are done. The ` +
    "table goes to stdout, everything else to stderr.",
  flags: QUALITY_FLAGS,
  run,
};

type Values = ParsedArgs["values"];

async function run(
  { values, positional }: ParsedArgs,
  { io, interrupts }: Surroundings,
): Promise<number> {
  if (positional.length > 1) {
    throw new UsageError(
      `quality has ${positional.length} text files, wanted one at most`,
    );
  }
  checkQualityFlags(values);
  checkTextFlags(values);
  // Only now, so that help and errors in flags come at once.
  const { openSource } = await import("../../engine/model_source.ts");
  const { bitsOf } = await import("../../engine/bits_pair.ts");
  const { quality } = await import("../../engine/quality.ts");
  const directory = await chosenModel(
    values.model as string | undefined,
  );
  using source = await openSource(directory);
  const path = positional[0] ?? await ownText(directory, source);
  const text = prepareText(
    await readText(path, io, "text"),
    source,
    values,
  );
  const about = `${nameOf(path)}: ${describeText(text.description)}`;
  const cases = qualityCases(values, bitsOf(source.reader({}), source.config));
  const controller = new AbortController();
  using _listening = interrupts.listen(() => controller.abort());
  using reporter = qualityReporter(io, values.quiet === true);
  const rows: QualityRow[] = [];
  const skipped: SkippedCase[] = [];
  let machine: Machine | undefined;
  try {
    const measured = quality(source, text.ids, {
      ...text.options,
      cases,
      load: await fixedOptions(values, reporter),
      signal: controller.signal,
      onOpen(opened) {
        machine = machineOf(source, opened);
        reporter.say(`${titleOf(machine)}; ${about}`);
        tellTuning(opened.tuning, values, io);
      },
      onLoad: reporter.onLoad,
      onProgress: reporter.onForetold,
      onSkip(of) {
        skipped.push(of);
        reporter.say(`${of.attnBits}/${of.expertBits} left out: ${of.reason}`);
      },
    });
    for await (const row of measured) {
      rows.push(row);
      reporter.say(rowLine(row));
    }
  } finally {
    // Whatever ended it: what was measured is worth something.
    if (rows.length > 0) {
      const title = `${titleOf(machine!)}; ${about}`;
      io.out(
        values.json
          ? JSON.stringify({
            ...{ ...machine, activations: undefined }, // rows say it
            ...{ text: nameOf(path), ...text.description, rows, skipped },
          }) + "\n"
          : qualityTable(rows, { title, isMarkdown: values.markdown === true }),
      );
    }
  }
  if (!controller.signal.aborted) return 0;
  io.err(`Stopped after ${rows.length} of ${cases.length}\n`);
  return INTERRUPTED;
}

/** How all cases are loaded. */
async function fixedOptions(
  values: Values,
  reporter: QualityReporter,
): Promise<NonNullable<QualityOptions["load"]>> {
  const varied = ["attnBits", "expertBits", "activations", "slots"];
  const fixed = Object.entries(values)
    .filter(([name]) => !varied.includes(name));
  return {
    ...loadOptions(Object.fromEntries(fixed)),
    ...values.slots !== undefined && { slots: await readSlots(values.slots) },
    ...values.decode && { chunkSize: 1 },
    onProgress: reporter.onLoading,
    ...tellActivations(values, { err: reporter.say }),
    onNotice: reporter.say,
    ...(values.plan || values.verbose) && {
      onPlan: (plan) => reporter.say(planText(plan)),
    },
  };
}

/** The text that lies beside a model to be judged by. */
async function ownText(
  directory: string,
  { name }: Pick<ModelSource, "name">,
): Promise<string> {
  const texts: string[] = [];
  for await (const entry of Deno.readDir(directory)) {
    if (/^eval.*\.txt$/.test(entry.name)) texts.push(entry.name);
  }
  const [text] = texts;
  if (texts.length === 1) return `${directory}/${text}`;
  const state = texts.length === 0
    ? "has no eval*.txt"
    : `has ${texts.length} of them`;
  throw new UsageError(
    `There is no text: ${name} ${state}, wanted a text file as argument`,
  );
}
