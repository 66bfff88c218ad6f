import { closest } from "../../io/closest.ts";
import { UsageError } from "../usage_error.ts";
import type { Completion } from "./completion.ts";
import { LOAD, SAVE } from "./file_commands.ts";
import { MODEL } from "./model_command.ts";
import type { ChatCommand, Outcome, Session } from "./session.ts";
import { SET, SYSTEM } from "./setting_commands.ts";
import { CLEAR, HISTORY, REGEN, STATS, UNDO } from "./turn_commands.ts";

const HELP: ChatCommand = { name: "help", help: "Show this help", run: help };

const EXIT: ChatCommand = {
  name: "exit",
  help: "Leave, as does Ctrl-D",
  run: () => "exit",
};

/** All commands, in the order of the help. */
const COMMANDS: readonly ChatCommand[] = [
  HELP,
  EXIT,
  CLEAR,
  REGEN,
  UNDO,
  HISTORY,
  SAVE,
  LOAD,
  SYSTEM,
  SET,
  MODEL,
  STATS,
];

/** What else can be typed. */
const KEYS: readonly (readonly [keys: string, help: string])[] = [
  ['"""', "Begin and end a message of several lines"],
  ["Ctrl-C", "Stop the answer; leave"],
];

/** What else a line editor knows. */
const EDITOR_KEYS: readonly (readonly [keys: string, help: string])[] = [
  ['"""', "Around a message of several lines"],
  ["\\ and Enter, or Alt-Enter", "Begin another line"],
  ["Up, Down, Ctrl-R", "Earlier messages; look for one"],
  ["Tab", "Complete commands, settings, names"],
  ["Ctrl-C", "Stop the answer; clear the line; leave"],
];

/**
 * Runs a command of a chat. What it says goes to stderr.
 *
 * @param line What was typed, beginning with `/`.
 * @param session What it reads and changes.
 * @returns What the chat does next.
 */
export async function runCommand(
  line: string,
  session: Session,
): Promise<Outcome> {
  const [, name = "", value = ""] = /^\/(\S*)\s*(.*)$/s.exec(line.trim()) ?? [];
  try {
    const command = COMMANDS.find((command) => command.name === name);
    if (command === undefined) throw unknownCommand(name);
    if (value !== "" && command.value === undefined) {
      throw new UsageError(`/${name} takes nothing, received ${value}`);
    }
    return await command.run(value, session);
  } catch (error) {
    session.io.err(`error: ${session.describe(error)}\n`);
    return "continue";
  }
}

function unknownCommand(name: string): UsageError {
  const guess = closest(name, COMMANDS.map(({ name }) => name));
  const hint = guess === undefined
    ? '/help lists them; a message that begins with / goes between """'
    : `did you mean /${guess}?`;
  return new UsageError(`Unknown command /${name}; ${hint}`);
}

/**
 * Finds what may follow in a command.
 *
 * @param text What stands before the cursor.
 * @param session What there is to name.
 * @returns Names of commands, or values of one; a message gets nothing.
 */
export async function completeCommand(
  text: string,
  session: Session,
): Promise<Completion> {
  const [, name, space, value = ""] = /^\/(\S*)(\s*)(.*)$/.exec(text) ?? [];
  if (name === undefined) return { from: 0, candidates: [] };
  if (space === "") {
    const names = COMMANDS.map(({ name }) => `/${name}`);
    return { from: 0, candidates: names.filter((it) => it.startsWith(text)) };
  }
  const command = COMMANDS.find((command) => command.name === name);
  const candidates = await command?.complete?.(value, session) ?? [];
  return { from: text.length - value.length, candidates };
}

function help(_value: string, { io }: Session): Outcome {
  const commands = COMMANDS.map(({ name, value = "", help }) =>
    [`/${name} ${value}`, help] as const
  );
  const keys = io.terminal.input && io.terminal.err ? EDITOR_KEYS : KEYS;
  const isNarrow = io.terminal.size().columns < 80;
  for (const [left, right] of [...commands, ...keys]) {
    io.err(
      isNarrow
        ? `  ${left.trim()}\n      ${right}\n`
        : `  ${left.padEnd(34)}${right}\n`,
    );
  }
  return "continue";
}
