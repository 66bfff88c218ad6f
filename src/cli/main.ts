import { setColorEnabled } from "@std/fmt/colors";
import { parseFlags } from "./args.ts";
import type { Surroundings } from "./command.ts";
import { findCommand } from "./commands.ts";
import { describeError } from "./describe_error.ts";
import { commandHelp } from "./help.ts";
import { processInterrupts } from "./interrupts.ts";
import { type Io, processIo } from "./io.ts";
import { openEngine } from "./open_engine.ts";
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
