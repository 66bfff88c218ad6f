import { formatByteLength } from "../../io/byte_length.ts";
import type { CheckedFile, ModelFile } from "../../hub/model_files.ts";
import { modelName, type PulledModel } from "../../hub/models_folder.ts";
import type { Flag, ParsedArgs } from "../args.ts";
import type { Command, Surroundings } from "../command.ts";
import { COMMON_FLAGS, LOAD_FLAGS, loadOptions } from "../flags.ts";
import { INTERRUPTED } from "../interrupts.ts";
import type { Io } from "../io.ts";
import { progressLine } from "../progress.ts";
import { UsageError } from "../usage_error.ts";
import { chosenModel } from "./chosen_model.ts";
import { showLines } from "./show_lines.ts";

/** Flags of loading that change what is shown. */
const SHOWN = [
  "model",
  "attn-bits",
  "expert-bits",
  "attn-group-size",
  "expert-group-size",
  "attn-scale-group-size",
  "expert-scale-group-size",
  "context",
];

const SHOW_FLAGS: readonly Flag[] = [
  {
    name: "template",
    option: "template",
    help: "Print the chat template and nothing else",
    isTypedOnly: true,
  },
  {
    name: "check",
    option: "check",
    help: "Read all files that were pulled, and compare their hashes",
    isTypedOnly: true,
  },
  {
    name: "json",
    option: "json",
    help: "Print one JSON object with all of it, in bytes",
  },
];

/** `show`: what a model is. */
export const SHOW: Command = {
  name: "show",
  summary: "Shows what a model is and what it takes",
  usage: "[model] [flags]",
  details:
    `The model is a directory or a name that moeno list shows; without one it is what
chat would open. Bits, groups and context show it as it would be loaded with them.
It opens no GPU and hardly reads weights, unless --check reads all of them: if a
file is not what the hub said, the exit code is 1 then.`,
  flags: [
    ...SHOW_FLAGS,
    ...LOAD_FLAGS.filter(({ name }) => SHOWN.includes(name)),
    ...COMMON_FLAGS.filter(({ name }) =>
      ["quiet", "verbose", "debug", "help"].includes(name)
    ).map((flag) =>
      flag.name === "verbose" ? { ...flag, help: "List every file" } : flag
    ),
  ],
  completes: "model",
  run,
};

async function run(
  { values, positional }: ParsedArgs,
  { io, interrupts }: Surroundings,
): Promise<number> {
  const [named, ...more] = positional;
  if (more.length > 0) {
    throw new UsageError(`show has ${positional.length} models, wanted one`);
  }
  if (values.template && (values.json || values.check)) {
    const other = values.json ? "json" : "check";
    throw new UsageError(
      `--template prints nothing else, wanted it without --${other}`,
    );
  }
  const directory = await chosenModel(
    named ?? values.model as string | undefined,
  );
  const controller = new AbortController();
  using _listening = interrupts.listen(() => controller.abort());
  try {
    return await show(directory, { values, io, signal: controller.signal });
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    io.err("Stopped\n");
    return INTERRUPTED;
  }
}

async function show(
  directory: string,
  { values, io, signal }: {
    values: ParsedArgs["values"];
    io: Io;
    signal: AbortSignal;
  },
): Promise<number> {
  const source = await tellFiles(directory, io);
  // Before all else: what is wrong with a file may be why it cannot be read.
  const checked = values.check
    ? await check(directory, {
      source,
      io,
      signal,
      isQuiet: values.quiet === true,
    })
    : null;
  // Only now, so that help and errors in flags come at once.
  const { describeModel } = await import("../../engine/describe_model.ts");
  const model = await describeModel(directory, loadOptions(values));
  if (values.template) {
    const { chatTemplate } = model;
    if (chatTemplate === null) {
      throw new Error(
        `Cannot print the chat template of ${directory}: it has none, wanted chat_template.jinja or chat_template in tokenizer_config.json`,
      );
    }
    // Into a file it goes as it is.
    const isOpen = io.terminal.out && !chatTemplate.endsWith("\n");
    io.out(chatTemplate + (isOpen ? "\n" : ""));
    return 0;
  }
  if (values.json) {
    const all = checked === null ? model : { ...model, checked };
    io.out(JSON.stringify(all) + "\n");
  } else {
    const lines = showLines(model, { isVerbose: values.verbose === true });
    io.out(lines.map((line) => line + "\n").join(""));
  }
  return checked?.some(isBad) ? 1 : 0;
}

/** Compares the hashes of all files, and says what came of it. */
async function check(
  directory: string,
  { source, io, signal, isQuiet }: {
    source: PulledModel | null;
    io: Io;
    signal: AbortSignal;
    isQuiet: boolean;
  },
): Promise<CheckedFile[]> {
  if (source === null) {
    throw new Error(
      `Cannot check ${directory}: no hub says what its hashes are, wanted a model that moeno pull fetched`,
    );
  }
  const { checkModelFiles } = await import("../../hub/model_files.ts");
  using line = progressLine(io, isQuiet);
  const checked = await checkModelFiles(directory, source, {
    signal,
    onBytes: (done, total) =>
      line.show({
        ...{ what: "checking", done, total },
        ...{ doneByteLength: done, totalByteLength: total },
      }),
  });
  line.say(checkedLine(checked));
  if (checked.some(({ outcome }) => outcome === "wrong")) {
    io.err(
      `warning: without what is wrong, moeno pull ${
        modelName(source)
      } fetches it again\n`,
    );
  }
  return checked;
}

/** Says first which files are not as they were: they may be why it fails. */
async function tellFiles(
  directory: string,
  io: Io,
): Promise<PulledModel | null> {
  const { readPulledModel } = await import("../../hub/pulled_model.ts");
  const { isOfRightLength, listModelFiles } = await import(
    "../../hub/model_files.ts"
  );
  const source = await readPulledModel(directory);
  if (source === null) return null;
  const files = await listModelFiles(directory, source);
  const bad = files.filter((file) => !isOfRightLength(file));
  for (const file of bad) io.err(`warning: ${lengthLine(file)}\n`);
  if (bad.length > 0) {
    io.err(`warning: moeno pull ${modelName(source)} mends it\n`);
  }
  return source;
}

function lengthLine({ path, byteLength, wantedByteLength }: ModelFile): string {
  if (byteLength === null) return `${path} is missing`;
  return `${path} has ${byteLength} bytes, wanted ${wantedByteLength}, ${
    formatByteLength(wantedByteLength!)
  }, as the hub said`;
}

function isBad({ outcome }: CheckedFile): boolean {
  return outcome === "wrong" || outcome === "missing";
}

/** What was found, in a line. */
function checkedLine(checked: readonly CheckedFile[]): string {
  const of = (wanted: CheckedFile["outcome"]) =>
    checked.filter(({ outcome }) => outcome === wanted);
  const bad = checked.filter(isBad).map(({ path, outcome }) =>
    `${path} is ${outcome}`
  );
  const { length: noHash } = of("no hash");
  return [
    ...bad,
    `${of("right").length} of ${checked.length} files have the right hash`,
    ...noHash === 0
      ? []
      : [`of ${noHash} the hub said no hash, their lengths are right`],
  ].join("; ");
}
