import type { Flag, ParsedArgs, TypedArgs } from "../args.ts";
import type { Command } from "../command.ts";
import { type ConfigFile, fromFile } from "./config_file.ts";
import type { SettingsEnvironment } from "./environment.ts";
import type { Setting } from "./setting.ts";
import { fromVariable } from "./variables.ts";

/** What may set flags that were not typed. */
export interface SettingsSources {
  /** Its variables. */
  readonly environment: SettingsEnvironment;
  /** The file; `null` if there is none. */
  readonly file: ConfigFile | null;
}

/** Flags that do not go together, in any command that has both. */
const EXCLUSIVE: readonly (readonly [string, string])[] = [
  ["model", "synthetic"],
  ["slots", "offload-per-layer"],
  ["json", "markdown"],
  ["raw", "chat"],
  ["raw", "system"],
];

/** Flags that are wrong without another one. */
const NEEDS: readonly (readonly [string, string])[] = [
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
 * each flag, the first of these that sets it. A flag that does not go with one of
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

/** Nothing was typed. */
const NOTHING: TypedArgs = { values: {}, positional: [], undone: new Set() };

/**
 * Finds what sets the flags of a command that were not typed.
 *
 * @param command The command.
 * @param sources What may set them.
 * @param typed What was typed, if anything.
 * @returns The settings, in the order of the flags.
 * @throws {UsageError} If one has a bad value.
 */
export function settingsOf(
  { name, flags }: Command,
  { environment, file }: SettingsSources,
  typed: TypedArgs = NOTHING,
): Setting[] {
  const { variable } = environment;
  const userFolder = variable("HOME") || variable("USERPROFILE") || undefined;
  const inFile = (section: string | null) => (flag: Flag) =>
    file === null
      ? undefined
      : fromFile(flag, flags, { file, section, userFolder });
  const sources = [
    (flag: Flag) => fromVariable(flag, flags, variable),
    inFile(name),
    inFile(null),
  ];
  const open = new Set(
    flags.filter(({ option, isTypedOnly }) =>
      !isTypedOnly && typed.values[option] === undefined &&
      !typed.undone.has(option)
    ),
  );
  const names = flags.filter(({ option }) => isGiven(typed.values[option]))
    .map(({ name }) => name);
  const settings: Setting[] = [];
  for (const source of sources) {
    const found = [...open].flatMap((flag) => source(flag) ?? []);
    // Those that do not go together in one source are for the command to judge.
    const fitting = found.filter(({ flag, value }) =>
      !isGiven(value) || !names.some((name) => areExclusive(name, flag.name))
    );
    for (const { flag } of found) open.delete(flag);
    settings.push(...fitting);
    names.push(
      ...fitting.filter(({ value }) => isGiven(value))
        .map(({ flag }) => flag.name),
    );
  }
  return settings.sort((a, b) => flags.indexOf(a.flag) - flags.indexOf(b.flag));
}

function isGiven(value: Setting["value"]): boolean {
  return value !== undefined && value !== false;
}

function areExclusive(one: string, other: string): boolean {
  return EXCLUSIVE.some(([a, b]) =>
    (a === one && b === other) || (a === other && b === one)
  );
}
