import type { ParsedArgs, TypedArgs } from "../args.ts";
import type { Command } from "../command.ts";
import type { Setting } from "./setting.ts";
import { isGiven, settingsOf, type SettingsSources } from "./settings_of.ts";

/** Flags that are wrong without another one, and that one. */
export const NEEDS: readonly (readonly [string, string])[] = [
  ["logprobs", "json"],
  ["hit-rate", "synthetic"],
];

/** What a command is to work with, and what of it was not typed. */
export interface ResolvedArgs extends ParsedArgs {
  /** The settings that are in force. */
  readonly settings: readonly Setting[];
}

/**
 * Puts together what was typed, what variables say, and what the file says: for
 * each flag, the first of these that sets it. A flag that has no room beside one of
 * an earlier source is left out, and so is one that needs another which is not
 * given, so that a setting never makes a command line wrong.
 *
 * @param command The command.
 * @param typed What was typed.
 * @param sources What sets the other flags.
 * @returns All values.
 * @throws {UsageError} If a setting has a bad value.
 */
export function resolveArgs(
  command: Command,
  typed: TypedArgs,
  sources: SettingsSources,
): ResolvedArgs {
  const found = settingsOf(command, sources, typed);
  const values = { ...typed.values };
  for (const { flag, value } of found) {
    if (value !== undefined) values[flag.option] = value;
  }
  const has = (name: string) =>
    command.flags.some((flag) =>
      flag.name === name && isGiven(values[flag.option])
    );
  const idle = found.filter(({ flag }) =>
    NEEDS.some(([name, needed]) => name === flag.name && !has(needed))
  );
  for (const { flag } of idle) delete values[flag.option];
  const settings = found.filter((setting) => !idle.includes(setting));
  return { values, positional: typed.positional, settings };
}
