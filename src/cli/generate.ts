import { dim } from "@std/fmt/colors";
import type { GenerateResult, Piece } from "../engine/generate.ts";
import { type GenerateOptions, RANGES } from "../engine/options.ts";
import { offloadReportOf, statsLine } from "../engine/stats.ts";
import type { ParsedArgs } from "./args.ts";
import type { Command, Surroundings } from "./command.ts";
import {
  COMMON_FLAGS,
  generateOptions,
  refuseSynthetic,
  SAMPLING_FLAGS,
  SYSTEM_FLAG,
} from "./flags.ts";
import { outText } from "./out_text.ts";
import { INTERRUPTED } from "./interrupts.ts";
import type { Io } from "./io.ts";
import { openModel } from "./open_model.ts";
import type { CliEngine } from "./open_engine.ts";
import { profileTable } from "./profile_table.ts";
import { readPrompt } from "./prompt.ts";
import { TEXT_LOAD_FLAGS } from "./shared_flags.ts";
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
      help: "Read the prompt from a file",
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
  refuseSynthetic(values);
  const prompt = await readPrompt(values.file as string, positional, io);
  await using model = await openModel(values, surroundings);
  const { engine } = model;
  const controller = new AbortController();
  using _listening = interrupts.listen(() => controller.abort());
  const options: GenerateOptions = {
    ...generateOptions(values),
    logprobs: values.logprobs as number | undefined,
    signal: controller.signal,
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
    ? await printJson(engine, pieces, io)
    : await printText(pieces, io);
  if (result.contextFull) io.err("The context is full: the text stops here.\n");
  if (!values.quiet) io.err(dim(statsLine(result)) + "\n");
  if (engine.profile) io.err(profileTable(engine.profile));
  return result.finishReason === "cancelled" ? INTERRUPTED : 0;
}

async function printText(
  pieces: AsyncIterable<Piece>,
  io: Io,
): Promise<GenerateResult> {
  let isMidLine = false;
  try {
    for await (const { text, final } of pieces) {
      if (text !== "") {
        outText(io, text);
        isMidLine = !text.endsWith("\n");
      }
      if (final === undefined) continue;
      if (!final.text.endsWith("\n")) io.out("\n");
      return final;
    }
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) throw error;
    if (isMidLine) io.out("\n"); // the error begins a line
    throw error;
  }
  throw new Error("Cannot generate: the text ended without its record");
}

async function printJson(
  engine: CliEngine,
  pieces: AsyncIterable<Piece>,
  io: Io,
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
    io.out(JSON.stringify(object) + "\n");
    return final;
  }
  throw new Error("Cannot generate: the text ended without its record");
}
