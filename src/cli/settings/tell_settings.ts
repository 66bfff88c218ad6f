import { dim } from "@std/fmt/colors";
import type { Command } from "../command.ts";
import type { Io } from "../io.ts";
import type { ResolvedArgs } from "./resolve_args.ts";
import { describeOrigin, type Setting, shownText } from "./setting.ts";
import { misspeltVariables } from "./variables.ts";

/**
 * Says on stderr which variables were probably meant for a flag, unless quiet,
 * and what was not typed, if verbose.
 *
 * @param resolved What is in force.
 * @param options Where to write, all variables and all commands.
 */
export function tellSettings(
  { values, settings }: ResolvedArgs,
  { io, names, commands }: {
    io: Io;
    names: readonly string[];
    commands: readonly Command[];
  },
): void {
  if (values.quiet) return;
  const lines = misspeltVariables(names, commands);
  if (values.verbose) {
    lines.push(
      ...settings.map((setting) =>
        `${written(setting)} by ${describeOrigin(setting.origin)}`
      ),
    );
  }
  for (const line of lines) io.err(dim(`# ${line}`) + "\n");
}

/**
 * Says on stderr which of the settings an error is about: whoever typed none may
 * have forgotten them.
 *
 * @param error What ended the command.
 * @param resolved What was in force.
 * @param io Where to write.
 */
export function tellBlame(
  error: unknown,
  { settings }: ResolvedArgs,
  io: Io,
): void {
  if (!(error instanceof Error)) return;
  const { message } = error;
  for (const { flag, value, text, origin } of settings) {
    const isNamed = new RegExp(`--${flag.name}(?![\\w-])`).test(message);
    // A path or a name, but no number, which could be any.
    const isShown = flag.completes !== undefined &&
      (message.includes(text) || message.includes(String(value)));
    if (!isNamed && !isShown) continue;
    io.err(dim(`# --${flag.name} is set by ${describeOrigin(origin)}`) + "\n");
  }
}

/** What one would type. */
function written(setting: Setting): string {
  const { flag, value } = setting;
  if (flag.value === undefined) {
    return value === true ? `--${flag.name}` : `no --${flag.name}`;
  }
  return `--${flag.name} ${shownText(setting)}`;
}
