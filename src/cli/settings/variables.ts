import { closest } from "../../io/closest.ts";
import type { Flag } from "../args.ts";
import type { Command } from "../command.ts";
import { UsageError } from "../usage_error.ts";
import { checkedValue, type Setting, spellingsOf } from "./setting.ts";

const PREFIX = "MOENO_";

/** Variables that are no flags: three for users, the others for tests. */
const OTHERS = ["MOENO_CONFIG", "MOENO_HOME", "MOENO_TUNING"]
  .concat("MOENO_LONG", "MOENO_ALL_WAYS");

/** Words that turn switches on and off; upper case does as well. */
const SWITCH = new Map([
  ...["1", "true", "on", "yes"].map((word) => [word, true] as const),
  ...["0", "false", "off", "no"].map((word) => [word, false] as const),
]);

/**
 * Names the variable of a flag.
 *
 * @param name The flag, such as `top-k`.
 * @returns The variable, such as `MOENO_TOP_K`.
 */
export function variableOf(name: string): string {
  return PREFIX + name.toUpperCase().replaceAll("-", "_");
}

/**
 * Reads the variable of a flag. An empty one counts as none. A list is one
 * value, or a JSON array of several.
 *
 * @param flag The flag.
 * @param flags All flags of the command.
 * @param variable Reads a variable.
 * @returns The setting; `undefined` if there is none.
 * @throws {UsageError} If the variable holds no value of the flag.
 */
export function fromVariable(
  flag: Flag,
  flags: readonly Flag[],
  variable: (name: string) => string | undefined,
): Setting | undefined {
  for (const { name: spelling, isOpposite } of spellingsOf(flag, flags)) {
    const name = variableOf(spelling);
    const text = variable(name) ?? "";
    if (text === "") continue;
    const value = flag.value === undefined
      ? readSwitch(text, name) !== isOpposite
      : checkedValue(flag, flag.isList ? listOf(text) : [text], name);
    const shown = typeof value === "boolean" ? String(value) : text;
    return { flag, value, text: shown, origin: { kind: "variable", name } };
  }
}

/**
 * Reads the value of a switch.
 *
 * @param text Such as `on` or `0`.
 * @param label What to call the switch in a refusal.
 * @returns Whether it is on.
 * @throws {UsageError} If it is neither on nor off.
 */
export function readSwitch(text: string, label: string): boolean {
  const value = SWITCH.get(text.toLowerCase());
  if (value !== undefined) return value;
  throw new UsageError(
    `${label} is ${JSON.stringify(text)}, wanted one of ${
      [...SWITCH.keys()].join(", ")
    }`,
  );
}

/**
 * Reads the values of a list. A stop string may well begin with a bracket: what is
 * no JSON array is one value.
 *
 * @param text A JSON array of values, or one value.
 * @returns The values.
 */
export function listOf(text: string): string[] {
  try {
    const json: unknown = JSON.parse(text);
    if (Array.isArray(json)) return json.map(String);
  } catch {
    // one value
  }
  return [text];
}

/**
 * Finds variables that were probably meant for a flag. Others that begin with
 * MOENO_ are left alone: they may be of somebody's scripts.
 *
 * @param names Names of variables.
 * @param commands All commands.
 * @returns A sentence for each.
 */
export function misspeltVariables(
  names: readonly string[],
  commands: readonly Command[],
): string[] {
  const ours = names.filter((name) => name.startsWith(PREFIX));
  if (ours.length === 0) return [];
  const known = new Set([
    ...OTHERS,
    ...commands.flatMap(({ flags }) =>
      flags.flatMap((flag) => spellingsOf(flag, flags))
        .map(({ name }) => variableOf(name))
    ),
  ]);
  return ours.filter((name) => !known.has(name)).sort().flatMap((name) => {
    const guess = closest(
      name.slice(PREFIX.length),
      [...known].map((name) => name.slice(PREFIX.length)),
    );
    return guess === undefined
      ? []
      : [`${name} sets no flag; did you mean ${PREFIX}${guess}?`];
  });
}
