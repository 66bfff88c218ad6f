import { setColorEnabled } from "@std/fmt/colors";
import { parseFlags, type TypedArgs } from "./args.ts";
import type { Command, Surroundings } from "./command.ts";
import { COMMANDS, findCommand } from "./commands.ts";
import { describeError } from "./describe_error.ts";
import { commandHelp } from "./help.ts";
import { processInterrupts } from "./interrupts.ts";
import { type Io, processIo } from "./io.ts";
import { openEngine } from "./open_engine.ts";
import { PROCESS_SETTINGS } from "./settings/environment.ts";
import { readConfig } from "./settings/read_config.ts";
import { resolveArgs, type ResolvedArgs } from "./settings/resolve_args.ts";
import { tellBlame, tellSettings } from "./settings/tell_settings.ts";
import { UsageError } from "./usage_error.ts";

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
  setColorEnabled(!Deno.noColor && io.terminal.out && io.terminal.err);
  let isDebug = wantsDebug(args);
  try {
    const [name = "help", ...rest] = args;
    const command = findCommand(SHORTCUTS.get(name) ?? name);
    const typed = parseFlags(command.flags, rest);
    if (typed.values.help) {
      io.out(commandHelp(command));
      return 0;
    }
    const resolved = await withSettings(command, typed, surroundings);
    isDebug = resolved.values.debug === true;
    try {
      return await command.run(resolved, surroundings);
    } catch (error) {
      const code = fail(error, isDebug, io);
      tellBlame(error, resolved, io);
      return code;
    }
  } catch (error) {
    return fail(error, isDebug, io);
  }
}

/** Adds what variables and the file of the configuration set. */
async function withSettings(
  command: Command,
  typed: TypedArgs,
  { io, environment }: Surroundings,
): Promise<ResolvedArgs> {
  // Help and the like work whatever the file says.
  if (command.flags.every(({ isTypedOnly }) => isTypedOnly)) {
    return { ...typed, settings: [] };
  }
  const file = await readConfig(environment, COMMANDS);
  const resolved = resolveArgs(command, typed, { environment, file });
  tellSettings(resolved, {
    io,
    names: environment.names(),
    commands: COMMANDS,
  });
  return resolved;
}

function wantsDebug(args: readonly string[]): boolean {
  return args.includes("--debug");
}

/** Says why in a sentence; returns the exit code. */
function fail(error: unknown, isDebug: boolean, io: Io): number {
  // For example `moeno generate | head`: nobody is there to be told.
  if (error instanceof Deno.errors.BrokenPipe) return READER_IS_GONE;
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
  const isDebug = wantsDebug(args);
  addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    Deno.exit(fail(event.reason, isDebug, io));
  });
  addEventListener("error", (event) => {
    event.preventDefault();
    Deno.exit(fail(event.error, isDebug, io));
  });
  return {
    io,
    interrupts: processInterrupts(),
    open: openEngine,
    environment: PROCESS_SETTINGS,
  };
}
