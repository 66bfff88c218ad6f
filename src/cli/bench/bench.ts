import { dim } from "@std/fmt/colors";
import type { BenchLoad, BenchOptions } from "../../engine/bench.ts";
import type { BenchRow } from "../../engine/bench_row.ts";
import type { FlagValue, ParsedArgs } from "../args.ts";
import { BENCH_FLAGS, benchOptions } from "./bench_flags.ts";
import { type Machine, machineOf, titleOf } from "./bench_machine.ts";
import { benchTable, slotsOf, speed } from "./bench_table.ts";
import type { Command, Surroundings } from "../command.ts";
import { INTERRUPTED } from "../interrupts.ts";
import type { Io } from "../io.ts";
import { openChosenSource } from "../models/open_source.ts";
import { planText } from "../plan_text.ts";
import { profileTable } from "../profile_table.ts";
import { progressLine } from "../progress.ts";
import { tellActivations } from "../tell_activations.ts";
import { tellTuning } from "../tell_tuning.ts";
import { refuseArguments } from "../usage_error.ts";

/** `bench`: how fast a model is, loaded in different ways. */
export const BENCH: Command = {
  name: "bench",
  summary: "Measures how fast a model is",
  usage: "[flags]",
  details:
    "Runs a prompt and tokens after it, some times, and compares the speed with " +
    "what link\nand memory allow. Several values between commas are cases: " +
    "--slots 8,5,4 --prefetch off,auto\nmeasures six. Greedy; text is not " +
    "made. Ctrl-C prints what has been measured.\nThe table goes to stdout, " +
    "everything else to stderr.",
  flags: BENCH_FLAGS,
  run,
};

type Values = Readonly<Record<string, FlagValue>>;

async function run(
  { values, positional }: ParsedArgs,
  { io, interrupts }: Surroundings,
): Promise<number> {
  const advice = "--prompt <n> sets the length of its own prompt";
  refuseArguments("bench", positional, advice);
  const options = await benchOptions(values);
  const controller = new AbortController();
  using _listening = interrupts.listen(() => controller.abort());
  using source = await openChosenSource(values);
  // Loaded only now, so that help and errors in flags come at once.
  const { bench } = await import("../../engine/bench.ts");
  using reporter = progressReporter(values, io);
  const rows: BenchRow[] = [];
  let machine: Machine | undefined;
  try {
    const measured = bench(source, {
      ...options,
      load: { ...options.load, ...reporter.load },
      signal: controller.signal,
      onLoad: reporter.onLoad,
      onOpen: (opened) => {
        machine = machineOf(source, opened);
        reporter.say(titleOf(machine));
        tellTuning(opened.tuning, values, io);
      },
    });
    for await (const row of measured) {
      rows.push(row);
      reporter.say(rowLine(row));
      if (values.verbose) reporter.say(hostLine(row));
      if (row.profile) io.err(profileTable(row.profile));
    }
  } finally {
    // Whatever ended it: what was measured is worth something.
    if (rows.length > 0) io.out(rendered(rows, machine!, values));
  }
  return controller.signal.aborted ? INTERRUPTED : 0;
}

function rendered(
  rows: readonly BenchRow[],
  machine: Machine,
  values: Values,
): string {
  if (values.json) return JSON.stringify({ ...machine, rows }) + "\n";
  return values.markdown
    ? benchTable(rows, { title: titleOf(machine), isMarkdown: true })
    : benchTable(rows);
}

/** What is told on stderr while it goes on. */
interface Reporter extends Disposable {
  /** For `load()`. */
  readonly load: NonNullable<BenchOptions["load"]>;
  readonly onLoad: (loaded: BenchLoad) => void;
  readonly say: (line: string) => void;
}

function progressReporter(values: Values, io: Io): Reporter {
  const line = progressLine(io, values.quiet === true);
  const { say } = line;
  return {
    load: {
      onProgress: (progress) => line.show(progress),
      ...tellActivations(values, { err: say }),
      onNotice: say,
      ...(values.plan || values.verbose) && {
        onPlan: (plan) => io.err(dim(planText(plan)) + "\n"),
      },
    },
    onLoad: ({ index, count, seconds }) =>
      say(`${index + 1} of ${count} loaded in ${seconds.toFixed(1)} s`),
    say,
    [Symbol.dispose]: () => line[Symbol.dispose](),
  };
}

/** A row in a few words, as soon as it is there. */
function rowLine(row: BenchRow): string {
  const hits = row.hitRate === null
    ? ""
    : `, hit rate ${row.hitRate.toFixed(3)}`;
  return `${slotsOf(row)} slots, prompt ${row.promptTokens}: ${
    speed(row.tokensPerSecond)
  } tok/s, prompt ${speed(row.promptTokensPerSecond)} tok/s${hits}`;
}

/** What the host did for a token after the prompt. */
function hostLine({ hostMsPerToken, tokensPerSecond }: BenchRow): string {
  const phases = Object.entries(hostMsPerToken ?? {})
    .map(([phase, ms]) => `, ${phase} ${ms.toFixed(3)}`);
  const ms = 1000 / tokensPerSecond.mean;
  return `ms a token: ${ms.toFixed(3)}${phases.join("")}`;
}
