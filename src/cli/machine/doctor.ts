import { dim } from "@std/fmt/colors";
import type { Diagnosis } from "../../engine/doctor/doctor.ts";
import type { ParsedArgs } from "../args.ts";
import type { Command, Surroundings } from "../command.ts";
import { INTERRUPTED } from "../interrupts.ts";
import { defaultModel } from "../open_engine.ts";
import { PLAIN_FLAGS } from "../shared_flags.ts";
import { refuseArguments } from "../usage_error.ts";
import { diagnosisLines, summaryLine } from "./diagnosis_lines.ts";

/** `doctor`: what is wrong with this machine, and how to mend it. */
export const DOCTOR: Command = {
  name: "doctor",
  summary: "Looks at this machine: what works, how fast, and what to mend",
  usage: "[flags]",
  details:
    "Each line says ok, note (it works, but could be better) or problem (models " +
    "will not run),\nand what would mend it. Rates are measured with small " +
    "buffers, in a few seconds; the GPU\nshould be idle. The exit code is 1 if " +
    "there is a problem. Values of variables that hold\nsecrets are not shown.",
  flags: [
    {
      name: "json",
      option: "json",
      help: "Print one JSON object, with all that was measured",
    },
    ...PLAIN_FLAGS,
  ],
  run,
};

async function run(
  { values, positional }: ParsedArgs,
  { io, interrupts }: Surroundings,
): Promise<number> {
  refuseArguments("doctor", positional);
  const controller = new AbortController();
  using _listening = interrupts.listen(() => controller.abort());
  // Loaded only now, so that help and errors in flags come at once.
  const { doctor } = await import("../../engine/doctor/doctor.ts");
  const isShown = io.terminal.err && !values.quiet;
  const wipe = () => isShown && io.err("\r\x1b[K");
  const diagnoses: Diagnosis[] = [];
  const examined = doctor({
    model: await bundledModel(),
    signal: controller.signal,
    onProgress: (name) => {
      if (isShown) io.err(`\r\x1b[K${dim(`# looking at ${name}`)}`);
    },
  });
  for await (const diagnosis of examined) {
    diagnoses.push(diagnosis);
    wipe();
    if (!values.json) io.out(diagnosisLines(diagnosis));
  }
  wipe();
  if (controller.signal.aborted) return INTERRUPTED;
  const isUsable = diagnoses.every(({ verdict }) => verdict !== "problem");
  io.out(
    values.json
      ? JSON.stringify({ isUsable, checks: diagnoses }) + "\n"
      : summaryLine(diagnoses),
  );
  return isUsable ? 0 : 1;
}

/** The bundled model, if the program runs from a folder that has it. */
async function bundledModel(): Promise<string | undefined> {
  try {
    const directory = defaultModel();
    await Deno.stat(`${directory}/config.json`);
    return directory;
  } catch {
    return undefined;
  }
}
