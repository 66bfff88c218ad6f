import { setColorEnabled } from "@std/fmt/colors";
import project from "../../deno.json" with { type: "json" };
import { parseFlags } from "./args.ts";
import { BENCH } from "./bench.ts";
import { CHAT } from "./chat.ts";
import type { Command, Surroundings } from "./command.ts";
import { describeError } from "./describe_error.ts";
import { COMMON_FLAGS } from "./flags.ts";
import { GENERATE } from "./generate.ts";
import { commandHelp, programHelp } from "./help.ts";
import { processInterrupts } from "./interrupts.ts";
import { type Io, processIo } from "./io.ts";
import { openEngine } from "./open_engine.ts";
import { QUANTIZE } from "./quantize.ts";
import { TUNE } from "./tune.ts";
import { closest, UsageError } from "./usage_error.ts";

const HELP_FLAGS = COMMON_FLAGS.filter(({ name }) => name === "help");

const HELP: Command = {
  name: "help",
  summary: "Shows the help of the program or of a command",
  usage: "[command]",
  flags: HELP_FLAGS,
  run({ positional }, { io }) {
    const [name] = positional;
    io.out(
      name === undefined
        ? programHelp(COMMANDS)
        : commandHelp(findCommand(name)),
    );
    return Promise.resolve(0);
  },
};

const VERSION: Command = {
  name: "version",
  summary: "Shows the version",
  usage: "",
  flags: HELP_FLAGS,
  run(_args, { io }) {
    io.out(`moeno ${project.version} (deno ${Deno.version.deno})\n`);
    return Promise.resolve(0);
  },
};

/** All commands, in the order of the help. */
const COMMANDS: readonly Command[] = [
  CHAT,
  GENERATE,
  BENCH,
  QUANTIZE,
  TUNE,
  HELP,
  VERSION,
];

/** Flags that stand for commands. */
const SHORTCUTS: ReadonlyMap<string, string> = new Map([
  ["-h", "help"],
  ["--help", "help"],
  ["-V", "version"],
  ["--version", "version"],
]);

/** A broken pipe, as a shell reports it: 128 + SIGPIPE. */
const READER_IS_GONE = 141;

/**
 * Runs the program.
 *
 * @param args The command line, as in `Deno.args`.
 * @param surroundings What it works with; for tests.
 * @returns The exit code: 0, or 1 if it failed, or 2 if the command line is
 * wrong, or 130 if Ctrl-C stopped it.
 */
export async function main(
  args: readonly string[],
  surroundings: Surroundings = processSurroundings(args),
): Promise<number> {
  const { io } = surroundings;
  const { input: _, ...outputs } = io.terminal;
  setColorEnabled(!Deno.noColor && outputs.out && outputs.err);
  try {
    const [name = "help", ...rest] = args;
    const command = findCommand(SHORTCUTS.get(name) ?? name);
    const parsed = parseFlags(command.flags, rest);
    if (parsed.values.help) {
      io.out(commandHelp(command));
      return 0;
    }
    return await command.run(parsed, surroundings);
  } catch (error) {
    return fail(error, args, io);
  }
}

function findCommand(name: string): Command {
  const command = COMMANDS.find((command) => command.name === name);
  if (command !== undefined) return command;
  const guess = closest(name, COMMANDS.map(({ name }) => name));
  throw new UsageError(
    `Unknown command ${name}; ` +
      (guess === undefined
        ? "moeno help lists them"
        : `did you mean ${guess}?`),
  );
}

/** Says why in a sentence; returns the exit code. */
function fail(error: unknown, args: readonly string[], io: Io): number {
  // For example `moeno generate | head`: nobody is there to be told.
  if (error instanceof Deno.errors.BrokenPipe) return READER_IS_GONE;
  const isDebug = args.includes("--debug");
  io.err(`error: ${describeError(error, isDebug)}\n`);
  return error instanceof UsageError ? 2 : 1;
}

/**
 * The process itself. Whatever nobody catches ends it with a sentence.
 *
 * @param args The command line.
 * @returns Its streams and signals, and the real engine.
 */
export function processSurroundings(args: readonly string[]): Surroundings {
  const io = processIo();
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    Deno.exit(fail(event.reason, args, io));
  });
  addEventListener("error", (event) => {
    event.preventDefault();
    Deno.exit(fail(event.error, args, io));
  });
  return { io, interrupts: processInterrupts(), open: openEngine };
}
