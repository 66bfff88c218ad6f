import type { Flag, FlagValue } from "../args.ts";
import type { Command } from "../command.ts";
import { settingsOf, type SettingsSources } from "./settings_of.ts";
import { describeOrigin, type Setting, shownText } from "./setting.ts";

/** What a flag is when nobody types it. */
export interface ConfigRow {
  /** The flag; `chat.system` if it is so for one of several commands only. */
  readonly name: string;
  /** Its value; `null` if it counts as not given. */
  readonly value: FlagValue | null;
  /** The value as it was written, or the default in words. */
  readonly text: string;
  /** What sets it. */
  readonly from: "variable" | "file" | "default";
  /** The variable, or the path of the file. */
  readonly source: string | null;
}

/**
 * Lists what is in force where nothing is typed.
 *
 * @param commands The commands to look at; with one, flags go by their names.
 * @param sources What may set flags.
 * @param options Whether to list flags that nothing sets.
 * @returns A row for each flag, in the order of commands and flags.
 * @throws {UsageError} If a setting has a bad value.
 */
export function configRows(
  commands: readonly Command[],
  sources: SettingsSources,
  { all }: { all: boolean },
): ConfigRow[] {
  const defaults = defaultsOf(commands);
  const rows = new Map<string, ConfigRow>();
  for (const command of commands) {
    const settings = settingsOf(command, sources);
    for (const flag of command.flags) {
      if (flag.isTypedOnly) continue;
      const setting = settings.find((setting) => setting.flag === flag);
      if (setting === undefined && !all) continue;
      const isShared = setting === undefined
        ? defaults.get(flag.name)!.size === 1
        : setting.origin.kind === "variable" || setting.origin.section === null;
      const name = isShared || commands.length === 1
        ? flag.name
        : `${command.name}.${flag.name}`;
      const row = setting === undefined
        ? defaultRow(name, flag)
        : settingRow(name, setting);
      rows.set(name, rows.get(name) ?? row);
    }
  }
  return [...rows.values()];
}

/** The defaults of each flag, since commands may differ. */
function defaultsOf(
  commands: readonly Command[],
): Map<string, Set<string | undefined>> {
  const defaults = new Map<string, Set<string | undefined>>();
  for (const flag of commands.flatMap(({ flags }) => flags)) {
    if (flag.isTypedOnly) continue;
    const known = defaults.get(flag.name) ?? new Set();
    defaults.set(flag.name, known.add(flag.default));
  }
  return defaults;
}

function settingRow(name: string, setting: Setting): ConfigRow {
  const { flag, value = null, origin } = setting;
  const text = shownText(setting);
  return {
    name,
    value: flag.isSecret && value !== null ? text : value,
    text,
    from: origin.kind,
    source: describeOrigin(origin),
  };
}

function defaultRow(name: string, flag: Flag): ConfigRow {
  const text = flag.default ?? (flag.value === undefined ? "false" : "none");
  return { name, value: null, text, from: "default", source: null };
}
