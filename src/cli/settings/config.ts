import { dim } from "@std/fmt/colors";
import { closest } from "../../io/closest.ts";
import type { Flag, ParsedArgs } from "../args.ts";
import type { Command, Surroundings } from "../command.ts";
import { JSON_FLAG } from "../shared_flags.ts";
import { alignedTable } from "../table.ts";
import { UsageError } from "../usage_error.ts";
import { changeConfig } from "./change_config.ts";
import { type ConfigRow, configRows } from "./config_rows.ts";
import { configPlace, neededPath } from "./environment.ts";
import { readConfig } from "./read_config.ts";
import { misspeltVariables } from "./variables.ts";

/** Letters of a value in a table. */
const MAX_WIDTH = 60;

/** All are typed, so that a file that is wrong is no hindrance to mending it. */
const FLAGS: readonly Flag[] = [
  {
    name: "all",
    option: "all",
    help: "Also what is not set, with its default",
  },
  JSON_FLAG,
  { name: "quiet", option: "quiet", letter: "q", help: "No notes on stderr" },
  { name: "debug", option: "debug", help: "Show the stack of an error" },
  { name: "help", option: "help", letter: "h", help: "Show this help" },
].map((flag) => ({ ...flag, isTypedOnly: true }));

const DETAILS =
  `What is typed goes before a variable, a variable before the file, and the file
before the default. --no-<flag> takes back what is set.

Variables   MOENO_ and the flag: MOENO_TOP_K=20, MOENO_QUIET=1 (or on, true,
            yes; 0, off, false, no). An empty one counts as none. A flag that
            may be given more than once takes a JSON array, or one value.
File        One JSON object, without comments; "moeno config path" says where.
            MOENO_CONFIG=<path> names another, MOENO_CONFIG=off none.

              {
                "model": "~/models/mixtral-4-2",
                "temperature": 0.7,
                "chat": { "system": "You are terse.", "quiet": true },
                "bench": { "repeat": 5 }
              }

            Flags by their names hold for all commands that have them, those
            in an object for one command. null is the default, and a path is
            relative to where the program runs.

config                        what is set, and what sets it
config <command>              the same, for one command
config path                   where the file is
config set <key> <value>      writes the file; a key is temperature, or
                              chat.temperature for one command only
config unset <key>            takes it out of the file`;

/**
 * `config`: what is set besides flags, and where.
 *
 * @param commands All commands; called only when it runs.
 * @returns The command.
 */
export function configCommand(commands: () => readonly Command[]): Command {
  return {
    name: "config",
    summary: "Shows or changes what is set by file and variables",
    usage: "[command | path | set <key> <value>... | unset <key>] [flags]",
    details: DETAILS,
    flags: FLAGS,
    completes: "command",
    words: ["path", "set", "unset"],
    run: (args, surroundings) => run(args, surroundings, commands()),
  };
}

async function run(
  { values, positional }: ParsedArgs,
  { io, environment }: Surroundings,
  commands: readonly Command[],
): Promise<number> {
  const [action, ...rest] = positional;
  const note = (text: string) => {
    if (!values.quiet) io.err(dim(`# ${text}`) + "\n");
  };
  if (action === "set" || action === "unset") {
    const change = { action, words: rest, commands, environment } as const;
    const result = await changeConfig(change);
    if (values.json) io.out(JSON.stringify(result.record) + "\n");
    for (const line of result.notes) note(line);
    return 0;
  }
  if (rest.length > 0) {
    throw new UsageError(
      `config takes one command, path, set or unset, received ${
        positional.map((word) => JSON.stringify(word)).join(" ")
      }`,
    );
  }
  if (action === "path") {
    const path = neededPath(environment);
    io.out((values.json ? JSON.stringify({ path }) : path) + "\n");
    return 0;
  }
  const shown = action === undefined
    ? commands
    : [findCommand(action, commands)];
  const file = await readConfig(environment, commands);
  const rows = configRows(shown, { environment, file }, {
    all: values.all === true,
  });
  const { path, isNamed } = configPlace(environment);
  if (values.json) {
    io.out(JSON.stringify({ path, isThere: file !== null, rows }) + "\n");
  } else if (rows.length > 0) io.out(table(rows));
  for (const line of misspeltVariables(environment.names(), commands)) {
    note(line);
  }
  const state = path !== null
    ? `${path}${file === null ? " is not there" : ""}`
    : isNamed
    ? "no file: MOENO_CONFIG is off"
    : "no file: the system does not say where settings are";
  note(rows.length > 0 ? state : `Nothing is set; ${state}`);
  return 0;
}

function findCommand(name: string, commands: readonly Command[]): Command {
  const command = commands.find((command) => command.name === name);
  if (command !== undefined) return command;
  const names = [...commands.map(({ name }) => name), "path", "set", "unset"];
  const guess = closest(name, names);
  throw new UsageError(
    `config takes a command, path, set or unset, received ${
      JSON.stringify(name)
    }` + (guess === undefined ? "" : `; did you mean ${guess}?`),
  );
}

/** A row for each setting. */
function table(rows: readonly ConfigRow[]): string {
  const cells = rows.map(({ name, text, from, source }) => [
    name,
    oneLine(text),
    from === "default" ? "default" : source!,
  ]);
  const lines = alignedTable([["flag", "value", "from"], ...cells], {
    left: [0, 1, 2],
  });
  return lines.join("\n") + "\n";
}

/** A text that fits into a table. */
function oneLine(text: string): string {
  const shown = /\p{Cc}/u.test(text) ? JSON.stringify(text) : text;
  return shown.length > MAX_WIDTH ? `${shown.slice(0, MAX_WIDTH - 1)}…` : shown;
}
