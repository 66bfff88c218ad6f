import { dim } from "@std/fmt/colors";
import type { ModelDescription } from "../../engine/describe_model.ts";
import type { HubFile } from "../../hub/models_folder.ts";
import type { ParsedArgs } from "../args.ts";
import type { Command, Surroundings } from "../command.ts";
import { COMMON_FLAGS, LOAD_FLAGS, loadOptions } from "../flags.ts";
import { INTERRUPTED } from "../interrupts.ts";
import { progressLine } from "../progress.ts";
import { UsageError } from "../usage_error.ts";
import { chosenModel } from "./chosen_model.ts";
import { describeLines } from "./describe_lines.ts";

/** Flags of loading that change what weights take. */
const SHAPING = LOAD_FLAGS.filter(({ name }) =>
  /-bits$|group-size$/.test(name)
);

/** `show`: what a model is. */
export const SHOW: Command = {
  name: "show",
  summary: "Describes a model: what it is, and what it takes",
  usage: "[model] [flags]",
  details:
    `Takes a directory or a name as moeno list shows it; without one it describes the
bundled model. It opens no GPU: moeno plan says what fits on this machine. Bits
say how the model would be loaded, without them as it is stored.`,
  completes: "model",
  flags: [
    ...SHAPING,
    {
      name: "template",
      option: "template",
      help: "Print the chat template, and nothing else",
    },
    {
      name: "check",
      option: "check",
      help: "Compare the files with the hashes that their hub gave",
    },
    { name: "json", option: "json", help: "Print one JSON object" },
    ...COMMON_FLAGS.filter(({ name }) =>
      ["quiet", "debug", "help"].includes(name)
    ),
  ],
  run,
};

async function run(
  { values, positional }: ParsedArgs,
  { io, interrupts }: Surroundings,
): Promise<number> {
  const [name, ...more] = positional;
  if (more.length > 0) {
    throw new UsageError(
      `show has ${positional.length} models, wanted one`,
    );
  }
  if (values.template && values.json) {
    throw new UsageError("--template does not go with --json");
  }
  const directory = await chosenModel(name);
  // Only now, so that help and errors in flags come at once.
  const { describeModel } = await import("../../engine/describe_model.ts");
  const model = await describeModel(directory, loadOptions(values));
  if (values.template) {
    if (model.chatTemplate === null) {
      throw new Error(
        `Cannot show the chat template of ${model.name}: it has none`,
      );
    }
    io.out(model.chatTemplate.replace(/\n?$/, "\n"));
    return 0;
  }
  const controller = new AbortController();
  using _listening = interrupts.listen(() => controller.abort());
  let wrongFiles: string[] | null = null;
  if (values.check) {
    const { signal } = controller;
    try {
      using line = progressLine(io, values.quiet === true);
      wrongFiles = await checkFiles(model, signal, line.show);
    } catch (error) {
      if (signal.aborted) return INTERRUPTED;
      throw error;
    }
  }
  io.out(
    values.json
      ? JSON.stringify({ ...model, ...wrongFiles && { wrongFiles } }) + "\n"
      : describeLines(model),
  );
  if (wrongFiles === null) return 0;
  if (wrongFiles.length > 0) {
    throw new Error(
      `Cannot trust ${model.name}: ${
        wrongFiles.join(", ")
      } is not what its hub has, wanted the same hash; moeno pull --force fetches it anew`,
    );
  }
  if (!values.quiet) {
    io.err(dim(`# all ${model.source!.files.length} files are right`) + "\n");
  }
  return 0;
}

/** The files whose content is not what the hub said. */
async function checkFiles(
  { name, directory, source, changedFiles }: ModelDescription,
  signal: AbortSignal,
  show: (progress: {
    what: string;
    done: number;
    total: number;
    doneByteLength: number;
    totalByteLength: number;
  }) => void,
): Promise<string[]> {
  const files = source?.files.filter(({ sha256 }) => sha256 !== null) ?? [];
  if (files.length === 0) {
    throw new Error(
      `Cannot check ${name}: nobody gave hashes for its files, wanted a model that moeno pull has fetched`,
    );
  }
  const { hashFile } = await import("../../hub/content_hash.ts");
  const totalByteLength = files.reduce((sum, file) => sum + file.byteLength, 0);
  const wrong = [...changedFiles];
  let doneByteLength = 0;
  for (const [done, { path, sha256 }] of (files as HubFile[]).entries()) {
    if (changedFiles.includes(path)) continue;
    const found = await hashFile(`${directory}/${path}`, {
      algorithm: "sha256",
      signal,
      onBytes: (byteLength) => {
        doneByteLength += byteLength;
        const total = files.length;
        const what = "checking";
        show({ what, done, total, doneByteLength, totalByteLength });
      },
    });
    if (found !== sha256) wrong.push(path);
  }
  return wrong;
}
