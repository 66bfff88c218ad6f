import { dim } from "@std/fmt/colors";
import { counted } from "../io/counted.ts";
import type { FlagValue } from "./args.ts";
import type { Surroundings } from "./command.ts";
import { loadOptions } from "./flags.ts";
import type { Io } from "./io.ts";
import { chosenModel } from "./models/chosen_model.ts";
import type { CliEngine, LoadOptions } from "./open_engine.ts";
import { planText } from "./plan_text.ts";
import { progressLine } from "./progress.ts";
import { readSlots } from "./slots_file.ts";
import { tellActivations } from "./tell_activations.ts";
import { tellTuning } from "./tell_tuning.ts";
import { TraceFile } from "./trace_file.ts";
import { UsageError } from "./usage_error.ts";

/** The values of the flags. */
type Values = Readonly<Record<string, FlagValue>>;

/** A model in use; disposing of it frees it and writes the trace. */
export interface OpenModel extends AsyncDisposable {
  /** The model. */
  readonly engine: CliEngine;
}

/**
 * Opens the model that the flags name, with a progress line.
 *
 * @param values The values of the flags.
 * @param surroundings Where to write, and how to open.
 * @param more Load options that no flag gives.
 * @returns The model.
 * @throws {UsageError} If there is `--trace-ahead` without `--trace`.
 */
export async function openModel(
  values: Values,
  { io, open }: Surroundings,
  more: LoadOptions = {},
): Promise<OpenModel> {
  const directory = await chosenModel(values.model as string | undefined);
  const start = performance.now();
  await using owned = new AsyncDisposableStack();
  const trace = owned.use(await openTrace(values, io));
  using line = progressLine(io, values.quiet === true);
  const engine = owned.use(
    await open(directory, {
      ...loadOptions(values),
      ...values.slots !== undefined && { slots: await readSlots(values.slots) },
      ...trace !== null && {
        onRouting: trace.onRouting,
        guessAhead: guessAheadOf(values),
      },
      ...showPlan(values, io),
      ...values.profile && { profile: true },
      ...tellActivations(values, io),
      onTuning: (report) => tellTuning(report, values, io),
      onNotice(notice) {
        if (!values.quiet) io.err(`${notice}\n`);
      },
      ...more,
      onProgress: line.show,
    }),
  );
  trace?.begin(engine);
  if (values.verbose) {
    const seconds = ((performance.now() - start) / 1000).toFixed(2);
    io.err(
      dim(`# ${engine.name} on ${engine.adapter}: loaded in ${seconds} s`) +
        "\n",
    );
  }
  const all = owned.move();
  return { engine, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

async function openTrace(values: Values, io: Io): Promise<TraceFile | null> {
  const { trace, quiet } = values;
  if (typeof trace !== "string") {
    if (values.traceAhead === undefined) return null;
    throw new UsageError("--trace-ahead needs --trace, which records guesses");
  }
  const onWritten = (tokenCount: number) => {
    if (quiet) return;
    const tokens = counted(tokenCount, "token");
    io.err(dim(`# ${trace}: routing of ${tokens}`) + "\n");
  };
  return await TraceFile.open(trace, onWritten, guessAheadOf(values));
}

/** One layer ahead is always guessed. */
function guessAheadOf({ traceAhead = [] }: Values): number[] {
  return (traceAhead as readonly number[]).filter((depth) => depth > 1);
}

function showPlan(values: Values, io: Io): Pick<LoadOptions, "onPlan"> {
  if (!values.plan && !values.verbose) return {};
  return { onPlan: (plan) => io.err(dim(planText(plan)) + "\n") };
}
