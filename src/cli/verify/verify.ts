import type { VerifyMachine } from "../../engine/verify_options.ts";
import type { VerifyRow } from "../../engine/verify_row.ts";
import type { Flag, FlagValue, ParsedArgs } from "../args.ts";
import type { Command, Surroundings } from "../command.ts";
import { LOAD_FLAGS, loadOptions, SIZE } from "../flags.ts";
import { INTERRUPTED } from "../interrupts.ts";
import type { Io } from "../io.ts";
import { openChosenSource } from "../models/open_source.ts";
import { progressLine } from "../progress.ts";
import { readPrompt } from "../prompt.ts";
import { JSON_FLAG, PLAIN_FLAGS } from "../shared_flags.ts";
import { readSlots } from "../slots_file.ts";
import { tellTuning } from "../tell_tuning.ts";
import { refuseArguments, refuseTogether } from "../usage_error.ts";
import { verifyAdvice } from "./verify_advice.ts";
import { verdictText, verifyTable } from "./verify_table.ts";

const VERIFY_FLAGS: readonly Flag[] = [
  {
    name: "prompt",
    option: "prompt",
    letter: "p",
    value: "<text>",
    help: "What the model is told",
    default: "96 tokens of a story",
  },
  {
    name: "file",
    option: "file",
    letter: "f",
    value: "<path>",
    help: "Read the prompt from a file; its first 1024 tokens count",
  },
  {
    name: "tokens",
    option: "tokens",
    value: "<n>",
    range: SIZE,
    help: "How many tokens to generate after it, each time",
    default: "32",
  },
  {
    name: "positions",
    option: "positions",
    value: "<n>",
    range: SIZE,
    help: "How many positions to compute in plain loops, too",
    default: "what takes about a minute, 10 s with --quick",
  },
  {
    name: "seed",
    option: "seed",
    value: "<n>",
    range: { integer: true, min: 0 },
    help: "What draws tokens",
    default: "1",
  },
  {
    name: "quick",
    option: "quick",
    help: "Fewer placements, prompts and positions",
  },
  JSON_FLAG,
];

/** `verify`: whether a model computes here what it should. */
export const VERIFY: Command = {
  name: "verify",
  summary: "Checks that a model computes what it should on this machine",
  usage: "[flags]",
  details:
    "Loads the model in several ways and compares what it says: the same seed " +
    "twice, and\nexperts on and off the GPU, to the bit; the GPU against plain " +
    "loops on the CPU, and a\nprompt at once against its tokens one by one, " +
    "within what rounding comes to. That is\n16 times what it does to the plain " +
    "loops, in float32 instead of float64. With --vram as\nlarge as the model " +
    "all experts on the GPU are what the rest is compared with.\nThe table goes " +
    "to stdout. Exit code 1 says that something differs.",
  flags: [
    ...VERIFY_FLAGS,
    ...LOAD_FLAGS,
    ...PLAIN_FLAGS,
  ],
  run,
};

type Values = Readonly<Record<string, FlagValue>>;

async function run(
  { values, positional }: ParsedArgs,
  { io, interrupts }: Surroundings,
): Promise<number> {
  refuseArguments("verify", positional, "--prompt <text> sets the prompt");
  const prompt = await promptOf(values, io);
  const load = {
    ...loadOptions(values),
    ...values.slots !== undefined && { slots: await readSlots(values.slots) },
  };
  const controller = new AbortController();
  const { signal } = controller;
  using _listening = interrupts.listen(() => controller.abort());
  using source = await openChosenSource(values);
  // Loaded only now, so that help and errors in flags come at once.
  const { verifySource } = await import("../../engine/verify.ts");
  const isQuiet = values.quiet === true;
  const line = progressLine(io, isQuiet);
  const rows: VerifyRow[] = [];
  let machine: VerifyMachine | undefined;
  try {
    const compared = verifySource(source, {
      load: { ...load, onNotice: line.say },
      prompt,
      tokens: values.tokens as number | undefined,
      positions: values.positions as number | undefined,
      seed: values.seed as number | undefined,
      quick: values.quick === true,
      signal,
      onProgress: (progress) => line.show(progress),
      onOpen: (opened) => {
        machine = opened;
        line.say(
          `${opened.model} on ${opened.adapter}: a prompt of ${opened.promptTokens} tokens, ${opened.tokens} after it, seed ${opened.seed}`,
        );
        tellTuning(opened.tuning, values, io);
      },
    });
    for await (const row of compared) {
      rows.push(row);
      line.say(`${row.what}: ${verdictText(row)}`);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    line[Symbol.dispose]();
    // Whatever ended it: what was compared is worth something.
    if (rows.length > 0) io.out(rendered(rows, machine!, values));
  }
  const advice = verifyAdvice(rows);
  for (const sentence of advice) io.err(sentence + "\n");
  if (signal.aborted) return INTERRUPTED;
  return advice.length > 0 ? 1 : 0;
}

async function promptOf(
  values: Values,
  io: Io,
): Promise<string | undefined> {
  const { prompt, file, synthetic, model } = values;
  refuseTogether([
    ["--prompt", "--file", prompt !== undefined && file !== undefined],
    ["--synthetic", "--model", synthetic && model],
    ["--synthetic", "--prompt", synthetic && prompt !== undefined],
    ["--synthetic", "--file", synthetic && file !== undefined],
  ]);
  return file === undefined
    ? prompt as string | undefined
    : await readPrompt(file as string, [], io);
}

function rendered(
  rows: readonly VerifyRow[],
  machine: VerifyMachine,
  values: Values,
): string {
  if (!values.json) return verifyTable(rows);
  const isRight = rows.every(({ verdict }) => verdict !== "different");
  return JSON.stringify({ ...machine, isRight, rows }) + "\n";
}
