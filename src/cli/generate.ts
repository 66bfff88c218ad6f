import type { GenerateResult, Piece } from "../engine/generate.ts";
import { type GenerateOptions, RANGES } from "../engine/options.ts";
import { offloadReportOf, statsLine } from "../engine/stats.ts";
import type { ParsedArgs } from "./args.ts";
import type { Command, Surroundings } from "./command.ts";
import { COMMON_FLAGS, generateOptions, SYSTEM_FLAG } from "./flags.ts";
import { INTERRUPTED } from "./interrupts.ts";
import type { Io } from "./io.ts";
import { note } from "./note.ts";
import { openModel } from "./open_model.ts";
import type { CliEngine } from "./open_engine.ts";
import { profileTable } from "./profile_table.ts";
import { readPrompt } from "./prompt.ts";
import { SAMPLING_FLAGS } from "./sampling_flags.ts";
import { TEXT_LOAD_FLAGS } from "./shared_flags.ts";
import { spinner } from "./spinner.ts";
import { streamText } from "./stream_text.ts";
import { UsageError } from "./usage_error.ts";

/** `generate`: one prompt, one text. */
export const GENERATE: Command = {
  name: "generate",
  summary: "Continues one prompt",
  usage: "[prompt] [flags]",
  details: "The prompt is the argument, a file, or stdin (- or a pipe). The " +
    "model continues it\nas it stands; with --chat or --system it answers it " +
    "as a message. Text goes to\nstdout, everything else to stderr.",
  flags: [
    {
      name: "file",
      option: "file",
      letter: "f",
      value: "<path>",
      help: "Read the prompt from a file; - is stdin",
      isTypedOnly: true,
      completes: "file",
    },
    { name: "raw", option: "raw", help: "The prompt as it is, the default" },
    {
      name: "chat",
      option: "chat",
      help: "The prompt as a message, through the model's chat template",
    },
    { ...SYSTEM_FLAG, help: "What the model is told before; implies --chat" },
    {
      name: "json",
      option: "json",
      help: "Print one JSON object with ids, text, counts and times",
    },
    {
      name: "logprobs",
      option: "logprobs",
      value: "<n>",
      range: RANGES.logprobs,
      help: "With --json: log-probabilities, and the n most probable tokens",
    },
    ...SAMPLING_FLAGS,
    ...TEXT_LOAD_FLAGS,
    ...COMMON_FLAGS,
  ],
  run,
};

async function run(
  { values, positional }: ParsedArgs,
  surroundings: Surroundings,
): Promise<number> {
  const { io, interrupts } = surroundings;
  const isChat = values.chat === true || values.system !== undefined;
  if (values.raw && isChat) {
    throw new UsageError("--raw does not go with --chat or --system");
  }
  if (values.logprobs !== undefined && !values.json) {
    throw new UsageError("--logprobs needs --json, which prints them");
  }
  const prompt = await readPrompt(values.file as string, positional, io);
  await using model = await openModel(values, surroundings);
  const { engine } = model;
  const controller = new AbortController();
  using _listening = interrupts.listen(() => controller.abort());
  using waiting = spinner(io, io.terminal.err && !values.quiet);
  const options: GenerateOptions = {
    ...generateOptions(values),
    logprobs: values.logprobs as number | undefined,
    signal: controller.signal,
    onPrefill: waiting.show,
  };
  const system = values.system as string | undefined;
  const messages = [
    ...system === undefined ? [] : [{ role: "system", content: system }],
    { role: "user", content: prompt },
  ];
  const pieces = isChat
    ? engine.chat(messages, options)
    : engine.generate(prompt, options);
  const result = values.json
    ? await printJson(engine, pieces, { io, waiting })
    : await streamText(pieces, io, waiting);
  if (result.contextFull) io.err("The context is full: the text stops here.\n");
  if (!values.quiet) note(io, statsLine(result));
  if (engine.profile) io.err(profileTable(engine.profile));
  return result.finishReason === "cancelled" ? INTERRUPTED : 0;
}

async function printJson(
  engine: CliEngine,
  pieces: AsyncIterable<Piece>,
  { io, waiting }: { io: Io; waiting: Disposable },
): Promise<GenerateResult> {
  let logprobs: unknown[] | undefined;
  for await (const { id, logprob, topLogprobs, final } of pieces) {
    if (logprob !== undefined) {
      logprobs ??= [];
      logprobs.push({ id, logprob, top: topLogprobs });
    }
    if (final === undefined) continue;
    const object = {
      model: engine.name,
      adapter: engine.adapter,
      ...final,
      ...final.offload && { offload: offloadReportOf(final) },
      ...logprobs !== undefined && { logprobs },
      ...engine.profile && { profile: engine.profile },
    };
    waiting[Symbol.dispose]();
    io.out(JSON.stringify(object) + "\n");
    return final;
  }
  throw new Error("Cannot generate: the text ended without its record");
}
