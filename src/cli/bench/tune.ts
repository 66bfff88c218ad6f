import { dim } from "@std/fmt/colors";
import { dirname } from "@std/path";
import type { TunedKnob } from "../../engine/tune.ts";
import { homeFolder } from "../../io/home.ts";
import { makeWritable } from "../../io/make_writable.ts";
import type { ParsedArgs } from "../args.ts";
import type { Command, Surroundings } from "../command.ts";
import { INTERRUPTED } from "../interrupts.ts";
import { JSON_FLAG, PLAIN_FLAGS } from "../shared_flags.ts";
import { tuneTable } from "./tune_table.ts";
import { refuseArguments } from "../usage_error.ts";

/** `tune`: how kernels best share their work on this device. */
export const TUNE: Command = {
  name: "tune",
  summary: "Finds out how kernels best share their work on this device",
  usage: "[flags]",
  details:
    "Times the kernels of a token with workgroups of different shapes, for about a " +
    "minute, and\nwrites what is clearly faster than the defaults to a file below " +
    "the user's caches (or below\nMOENO_HOME), from where every later run reads " +
    "it. Texts may change in the last digits of\ntheir logits. MOENO_TUNING=off " +
    "or --no-tuning ignores the file; tuning again replaces it.\nThe GPU should " +
    "be idle. The table goes to stdout, everything else to stderr.",
  flags: [
    { name: "dry-run", option: "dryRun", help: "Measure, but write nothing" },
    JSON_FLAG,
    ...PLAIN_FLAGS,
  ],
  run,
};

async function run(
  { values, positional }: ParsedArgs,
  { io, interrupts }: Surroundings,
): Promise<number> {
  refuseArguments("tune", positional);
  const controller = new AbortController();
  using _listening = interrupts.listen(() => controller.abort());
  // Loaded only now, so that help and errors in flags come at once.
  const { openGpu } = await import("../../engine/open_gpu.ts");
  const { tune, winnersOf } = await import("../../engine/tune.ts");
  const { tuningPath, writeTuning } = await import(
    "../../engine/tuning_file.ts"
  );
  // What was found before does not count.
  const { gpu } = await openGpu("off");
  using _gpu = gpu;
  const home = homeFolder();
  const path = home === null ? null : tuningPath(home, gpu.name);
  if (!values.dryRun) await checkPlace(path);
  const say = (text: string) => {
    if (!values.quiet) io.err(dim(`# ${text}`) + "\n");
  };
  say(`tuning ${gpu.name}`);
  const knobs: TunedKnob[] = [];
  const measured = tune(gpu, {
    signal: controller.signal,
    onProgress: (name, done, total) => say(`${done + 1} of ${total}: ${name}`),
  });
  for await (const knob of measured) knobs.push(knob);
  const isAborted = controller.signal.aborted;
  const tuning = winnersOf(knobs);
  const failure = isAborted || values.dryRun
    ? null
    : await writeTuning(path!, gpu.name, tuning).then(
      () => null,
      (error: Error) => error,
    );
  const isWritten = failure === null && !isAborted && !values.dryRun;
  io.out(
    values.json
      ? JSON.stringify({ adapter: gpu.name, path, isWritten, tuning, knobs }) +
        "\n"
      : tuneTable(knobs),
  );
  // What was measured is out: only then is there a failure.
  if (failure !== null) throw failure;
  if (isWritten) say(`written to ${path}`);
  return isAborted ? INTERRUPTED : 0;
}

/** Checks, before a minute is spent, that the table can be written. */
async function checkPlace(path: string | null): Promise<void> {
  if (path === null) {
    throw new Error(
      "Cannot write the table: the system does not say where caches are, wanted the variable MOENO_HOME",
    );
  }
  await makeWritable(dirname(path), "another folder in MOENO_HOME");
}
