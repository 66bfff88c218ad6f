import type { GenerateResult } from "../../engine/generate.ts";
import type { GenerateOptions } from "../../engine/options.ts";
import { statsLine } from "../../engine/stats.ts";
import { offloadTable } from "../../offload/stats_table.ts";
import { type Flag, parseValue } from "../args.ts";
import type { Conversation } from "./conversation.ts";
import { SAMPLING_FLAGS } from "../flags.ts";
import type { Io } from "../io.ts";
import { closest, UsageError } from "../usage_error.ts";

/** The state of a chat, for its commands. */
export interface ReplState {
  /** What was said. */
  conversation: Conversation;
  /** How to generate; by the engine's names. */
  generate: GenerateOptions;
  /** Whether statistics follow each answer. */
  showsStats: boolean;
  /** The records of the answers. */
  results: GenerateResult[];
}

/** What a command makes the chat do next. */
export type Outcome = "continue" | "exit" | "regenerate";

/** A command within a chat. */
interface ReplCommand {
  name: string;
  value?: string;
  help: string;
  run: (value: string, state: ReplState, io: Io) => Outcome;
}

const COMMANDS: readonly ReplCommand[] = [
  { name: "help", help: "Show this help", run: help },
  { name: "exit", help: "Leave, as does Ctrl-D", run: () => "exit" },
  { name: "clear", help: "Begin a new conversation", run: clear },
  {
    name: "system",
    value: "[text | off]",
    help: "Show or set what the model is told before",
    run: system,
  },
  {
    name: "set",
    value: "[name value | name default]",
    help: "Show or set how answers are made",
    run: set,
  },
  {
    name: "stats",
    value: "[on | off]",
    help: "Show the last answer's statistics in full, or each one's",
    run: stats,
  },
  {
    name: "regen",
    help: "Answer the last message again, with a fresh seed",
    run: regenerate,
  },
];

/**
 * Runs a command of a chat. What it says goes to stderr.
 *
 * @param line What was typed, beginning with `/`.
 * @param state What it reads and changes.
 * @param io Where it writes.
 * @returns What the chat does next.
 */
export function runCommand(line: string, state: ReplState, io: Io): Outcome {
  const [, name = "", value = ""] = /^\/(\S*)\s*(.*)$/s.exec(line.trim()) ?? [];
  const command = COMMANDS.find((command) => command.name === name);
  if (command === undefined) {
    const guess = closest(name, COMMANDS.map(({ name }) => name));
    const hint = guess === undefined
      ? '/help lists them; a message that begins with / goes between """'
      : `did you mean /${guess}?`;
    io.err(`Unknown command /${name}; ${hint}\n`);
    return "continue";
  }
  try {
    return command.run(value, state, io);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    io.err(`error: ${error.message}\n`);
    return "continue";
  }
}

function help(_value: string, _state: ReplState, io: Io): Outcome {
  const rows = COMMANDS.map(({ name, value = "", help }) =>
    `  ${`/${name} ${value}`.padEnd(34)}${help}\n`
  );
  io.err(
    rows.join("") +
      '  """                               Begin and end a message of several ' +
      "lines\n  Ctrl-C                            Stop the answer; leave\n",
  );
  return "continue";
}

function clear(_value: string, { conversation }: ReplState, io: Io): Outcome {
  conversation.clear();
  io.err("A new conversation begins.\n");
  return "continue";
}

function system(value: string, { conversation }: ReplState, io: Io): Outcome {
  if (value !== "") conversation.system = value === "off" ? undefined : value;
  io.err(
    conversation.system === undefined
      ? "There is no system message.\n"
      : `System message: ${conversation.system}\n`,
  );
  return "continue";
}

function set(value: string, state: ReplState, io: Io): Outcome {
  const [, typed = "", text = ""] = /^(\S*)\s*(.*)$/s.exec(value) ?? [];
  if (typed === "") {
    for (const flag of SAMPLING_FLAGS) {
      io.err(`  ${showSetting(flag, state)}\n`);
    }
    return "continue";
  }
  const name = typed.replace(/^--/, "").replaceAll("_", "-");
  const flag = SAMPLING_FLAGS.find((flag) => flag.name === name);
  if (flag === undefined) {
    const guess = closest(name, SAMPLING_FLAGS.map(({ name }) => name));
    throw new UsageError(
      `Unknown setting ${typed}; ` +
        (guess === undefined ? "/set lists them" : `did you mean ${guess}?`),
    );
  }
  const option = flag.option as keyof GenerateOptions;
  const { [option]: _old, ...others } = state.generate;
  state.generate = text === "default" || (isSwitch(flag) && text === "off")
    ? others
    : { ...others, [option]: settingValue(flag, text) };
  io.err(`${showSetting(flag, state)}\n`);
  return "continue";
}

function settingValue(flag: Flag, text: string): unknown {
  if (isSwitch(flag)) {
    if (text === "on" || text === "") return true;
    throw new UsageError(`${flag.name} is ${text}, wanted on or off`);
  }
  if (text === "") {
    throw new UsageError(
      `${flag.name} has no value, wanted ${flag.value} or default`,
    );
  }
  const value = parseValue(flag, text);
  return flag.isList ? [value] : value;
}

function showSetting(flag: Flag, { generate }: ReplState): string {
  const value = generate[flag.option as keyof GenerateOptions];
  if (value !== undefined) return `${flag.name} ${JSON.stringify(value)}`;
  return `${flag.name} (default: ${
    flag.default ?? (isSwitch(flag) ? "off" : "none")
  })`;
}

function isSwitch(flag: Flag): boolean {
  return flag.value === undefined;
}

function stats(value: string, state: ReplState, io: Io): Outcome {
  if (value === "on" || value === "off") {
    state.showsStats = value === "on";
    io.err(`Statistics after each answer: ${value}.\n`);
    return "continue";
  }
  if (value !== "") {
    throw new UsageError(`/stats is given ${value}, wanted on, off or nothing`);
  }
  const last = state.results.at(-1);
  if (last === undefined) {
    io.err("There is no answer yet.\n");
    return "continue";
  }
  const total = state.results.reduce(
    (sum, { completionTokens }) => sum + completionTokens,
    0,
  );
  io.err(`${statsLine(last)}; seed ${last.seed}\n`);
  if (last.offload) io.err(offloadTable(last.offload) + "\n");
  io.err(`# ${total} tokens in all answers\n`);
  return "continue";
}

function regenerate(_value: string, state: ReplState, io: Io): Outcome {
  if (state.conversation.lastQuestion !== undefined) return "regenerate";
  io.err("There is no message to answer again.\n");
  return "continue";
}
