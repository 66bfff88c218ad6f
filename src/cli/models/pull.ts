import {
  DEFAULT_ENDPOINT,
  parseEndpoint,
  parseModelReference,
} from "../../hub/model_reference.ts";
import { defaultEndpoint } from "../../hub/hub_environment.ts";
import { modelName } from "../../hub/models_folder.ts";
import type { PullPlan, PullResult } from "../../hub/pull_options.ts";
import { formatByteLength } from "../../io/byte_length.ts";
import { counted } from "../../io/counted.ts";
import { harmlessLine } from "../../io/harmless.ts";
import { dim } from "@std/fmt/colors";
import type { Flag, ParsedArgs } from "../args.ts";
import type { Command, Surroundings } from "../command.ts";
import { INTERRUPTED } from "../interrupts.ts";
import { PLAIN_FLAGS } from "../shared_flags.ts";
import { alignedTable } from "../table.ts";
import { UsageError } from "../usage_error.ts";
import { pullDisplay } from "./pull_display.ts";
import { describeKinds } from "./pull_lines.ts";

/** Flags that are options of `pull()`. */
const PULL_FLAGS: readonly Flag[] = [
  {
    name: "endpoint",
    option: "endpoint",
    value: "<url>",
    help: "The hub, if it is not Hugging Face",
    default: `HF_ENDPOINT, or ${DEFAULT_ENDPOINT}`,
  },
  {
    name: "revision",
    option: "revision",
    value: "<name>",
    help: "A branch, a tag or a commit",
    default: "main",
  },
  {
    name: "include",
    option: "include",
    value: "<glob>",
    isList: true,
    help: "Fetch these files, too; may be given more than once",
  },
  {
    name: "exclude",
    option: "exclude",
    value: "<glob>",
    isList: true,
    help: "Leave these files out; may be given more than once",
  },
  {
    name: "connections",
    option: "connectionCount",
    value: "<n>",
    range: { integer: true, min: 1, max: 64 },
    help: "The most requests at the same time",
    default: "8",
  },
  {
    name: "force",
    option: "force",
    isTypedOnly: true,
    help: "Fetch all files, also those that are here",
  },
  {
    name: "dry-run",
    option: "isDryRun",
    help: "Only list the files that the model needs",
  },
];

/** `pull`: a model from a hub. */
export const PULL: Command = {
  name: "pull",
  summary: "Fetches a model from Hugging Face or a hub like it",
  usage: "<owner/name | address of its page> [flags]",
  details:
    `Prints where the model lies: below MOENO_HOME, or the user's caches. It appears
there when all of it is here and every hash is right. If a pull is interrupted,
the same command goes on; if the model is here, it is brought up to date.

Any Mixtral will do that transformers or HQQ saved. One for a card of 12 GB, with
experts of 2 bits (17 GiB), and one of 16 bits for moeno quantize (87 GiB):

  moeno pull lavawolfiee/Mixtral-8x7B-Instruct-v0.1-offloading-demo
  moeno pull mistralai/Mixtral-8x7B-Instruct-v0.1

moeno plan --synthetic mixtral-8x7b says before that how fast the first would be here.

Fetched are safetensors, configuration, tokenizer, templates and licence from the
root of the repository. A glob without a slash is about names in any folder.
Models that are private or have terms want HF_TOKEN; only the hub gets to see it.
HTTPS_PROXY names a proxy; NO_PROXY, hosts that are asked without it.`,
  flags: [
    ...PULL_FLAGS,
    {
      name: "json",
      option: "json",
      help: "Print one JSON object with the directory, commit, files and sizes",
    },
    ...PLAIN_FLAGS,
  ],
  run,
};

async function run(
  { values, positional }: ParsedArgs,
  { io, interrupts }: Surroundings,
): Promise<number> {
  const [model, ...more] = positional;
  if (model === undefined || more.length > 0) {
    throw new UsageError(
      `pull has ${positional.length} models, wanted one: <owner/name>`,
    );
  }
  checkNames(model, values);
  // Only now, so that help and errors in flags come at once.
  const { pull } = await import("../../hub/pull.ts");
  const { parseConfig } = await import("../../model/config.ts");
  const { readStoredQuantization } = await import(
    "../../engine/stored_quantization.ts"
  );
  const controller = new AbortController();
  using _listening = interrupts.listen(() => controller.abort());
  const isQuiet = values.quiet === true;
  let directory = "";
  let result: PullResult;
  let plan: PullPlan | undefined;
  try {
    using display = pullDisplay(io, isQuiet);
    result = await pull(model, {
      ...Object.fromEntries(
        PULL_FLAGS.filter(({ option }) => values[option] !== undefined)
          .map(({ option }) => [option, values[option]]),
      ),
      checkConfig(config) {
        parseConfig(config, model);
        readStoredQuantization(config, model);
      },
      onPlan(made) {
        plan = made;
        directory = made.directory;
        if (!made.isHere) display.note(planLine(made));
        const { length } = made.skipped;
        if (length > 0 && !made.isHere) display.note(skippedLine(made));
        const hasText = made.files.some(({ path }) =>
          path === "tokenizer.json"
        );
        if (!hasText) {
          display.note(
            "it has no tokenizer.json, which chat and generate need",
          );
        }
      },
      onProgress: display.onProgress,
      onFile: display.onFile,
      onRetry: display.onRetry,
      signal: controller.signal,
    });
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    const from = directory === "" ? "" : ` from ${directory}.part`;
    io.err(`Stopped; the same command goes on${from}\n`);
    return INTERRUPTED;
  }
  if (values.json) io.out(JSON.stringify(result) + "\n");
  else if (values.isDryRun) io.out(fileTable(plan!));
  else io.out(result.directory + "\n");
  if (isQuiet) return 0;
  io.err(dim(`# ${resultLine(result)}`) + "\n");
  if (!values.isDryRun) io.err(dim(`# ${nextLine(result)}`) + "\n");
  return 0;
}

/** What was typed wrong is worth exit code 2. */
function checkNames(model: string, values: ParsedArgs["values"]): void {
  const endpoint = values.endpoint as string | undefined;
  const revision = values.revision as string | undefined;
  try {
    parseModelReference(model, {
      endpoint: parseEndpoint(endpoint ?? defaultEndpoint()),
      ...revision !== undefined && { revision },
    });
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new UsageError(error.message, { cause: error });
  }
}

function planLine(
  { directory, commit, earlierCommit, files, byteLength }: PullPlan,
): string {
  const short = (hash: string | null) => hash?.slice(0, 8) ?? "unknown";
  const moved = earlierCommit === null || earlierCommit === commit
    ? `commit ${short(commit)}`
    : `commit ${short(earlierCommit)} becomes ${short(commit)}`;
  return `${counted(files.length, "file")}, ${
    formatByteLength(byteLength)
  }, ${moved}, to ${directory}`;
}

function skippedLine({ skipped }: PullPlan): string {
  const byteLength = skipped.reduce((sum, file) => sum + file.byteLength, 0);
  const kinds = describeKinds(skipped.map(({ path }) => path), 6);
  return `skips ${counted(skipped.length, "file")}, ${
    formatByteLength(byteLength)
  } (${kinds}); --include "<glob>" fetches them, too`;
}

function resultLine(
  { directory, outcome, byteLength, receivedByteLength, source, timeMs }:
    PullResult,
): string {
  const { length } = source.files;
  const size = `${counted(length, "file")}, ${formatByteLength(byteLength)}`;
  if (outcome === "unchanged") return `${directory} is up to date: ${size}`;
  if (outcome === "dry run") return `${size}; nothing was fetched`;
  const seconds = timeMs / 1000;
  const rate = formatByteLength(Math.round(receivedByteLength / seconds));
  return `${outcome}: ${size}, every hash is right; ${
    formatByteLength(receivedByteLength)
  } came in ${seconds.toFixed(1)} s (${rate}/s)`;
}

/** What to do with it. */
function nextLine({ source }: PullResult): string {
  const name = modelName(source);
  return `moeno chat -m ${name} talks to it; moeno plan -m ${name} says what fits where`;
}

function fileTable({ files }: PullPlan): string {
  const rows = files.map(({ path, byteLength }) => [
    harmlessLine(path),
    formatByteLength(byteLength),
  ]);
  return alignedTable([["file", "size"], ...rows], { left: [0] })
    .map((line) => line + "\n").join("");
}
