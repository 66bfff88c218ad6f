import type { Flag, TypedArgs } from "../args.ts";
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

/**
 * Flags and those that they leave no room for, in any command that has both: what
 * is typed is not to be refused, or to be in vain, for a setting's sake.
 */
const OUSTED: ReadonlyMap<string, readonly string[]> = new Map([
  ...pair("model", "synthetic"),
  ...pair("slots", "offload-per-layer"),
  ...pair("slots-total", "vram"),
  ...pair("hit-rate", "trace-file"),
  ...pair("json", "markdown"),
  ...pair("quiet", "verbose"),
  ["raw", ["chat", "system"]],
  ["chat", ["raw"]],
  ["system", ["raw"]],
  // What is said of both is said of each.
  ["group-size", ["attn-group-size", "expert-group-size"]],
]);

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
  const ousted = new Set<string>();
  const oust = ({ name }: Flag) =>
    OUSTED.get(name)?.forEach((other) => ousted.add(other));
  flags.filter(({ option }) => isGiven(typed.values[option])).forEach(oust);
  const settings: Setting[] = [];
  for (const source of sources) {
    const found = [...open].flatMap((flag) => source(flag) ?? []);
    // Those that do not go together in one source are for the command to judge.
    const fitting = found.filter(({ flag, value }) =>
      !isGiven(value) || !ousted.has(flag.name)
    );
    for (const { flag } of found) open.delete(flag);
    settings.push(...fitting);
    fitting.filter(({ value }) => isGiven(value))
      .forEach(({ flag }) => oust(flag));
  }
  return settings.sort((a, b) => flags.indexOf(a.flag) - flags.indexOf(b.flag));
}

/**
 * Says whether a value makes a flag one that was given.
 *
 * @param value The value.
 * @returns Not for none, and not for a switch that is off.
 */
export function isGiven(value: Setting["value"]): boolean {
  return value !== undefined && value !== false;
}

function pair(one: string, other: string): [string, string[]][] {
  return [[one, [other]], [other, [one]]];
}
