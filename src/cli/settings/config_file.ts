import { closest } from "../../io/closest.ts";
import { showJson } from "../../io/show_json.ts";
import { parseStrictJson, type StrictJson } from "../../io/strict_json.ts";
import { type Flag, wantedOf } from "../args.ts";
import type { Command } from "../command.ts";
import { UsageError } from "../usage_error.ts";
import { checkedValue, type Setting, spellingsOf } from "./setting.ts";

/** Values by names of flags. */
type Section = ReadonlyMap<string, StrictJson>;

/** What the file says. Names are checked, values not yet. */
export interface ConfigFile {
  /** Where it lies. */
  readonly path: string;
  /** What holds for every command that has the flag. */
  readonly common: Section;
  /** What holds for one command, by its name. */
  readonly sections: ReadonlyMap<string, Section>;
}

/**
 * Parses the text of a configuration: one JSON object with flags by their names,
 * and with an object of flags for each command that is to have others.
 *
 * @param text The text.
 * @param path Where it was read.
 * @param commands All commands.
 * @returns What it says.
 * @throws {UsageError} If it is not JSON, or names what there is not.
 */
export function parseConfig(
  text: string,
  path: string,
  commands: readonly Command[],
): ConfigFile {
  const json = parseJson(text.replace(/^\uFEFF/, ""), path);
  if (!(json instanceof Map)) {
    throw refusal(
      path,
      `it is ${show(json)}, wanted an object such as {"temperature": 0.7}`,
    );
  }
  const common = new Map<string, StrictJson>();
  const sections = new Map<string, Section>();
  for (const [key, value] of json) {
    const command = commands.find(({ name }) => name === key);
    if (!(value instanceof Map)) {
      checkCommonName(key, { path, commands, command });
      common.set(key, value);
    } else if (command !== undefined) {
      for (const name of value.keys()) checkName(name, command, path);
      sections.set(key, value);
    } else {
      const names = commands.map(({ name }) => name);
      throw refusal(
        path,
        `${showJson(key)} is an object, but no command${guess(key, names)}`,
      );
    }
  }
  return { path, common, sections };
}

function parseJson(text: string, path: string): StrictJson {
  const where = (position: number): string => {
    const lines = text.slice(0, position).split("\n");
    const hint = /^(\/[/*]|#)/.test(text.slice(position))
      ? " (JSON has no comments)"
      : "";
    return `line ${lines.length}, column ${lines.at(-1)!.length + 1}${hint}`;
  };
  try {
    return parseStrictJson(text, path, { number: Number, where });
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new UsageError(error.message, { cause: error });
  }
}

/** Refuses a key that is no flag of any command. */
function checkCommonName(key: string, { path, commands, command }: {
  path: string;
  commands: readonly Command[];
  command: Command | undefined;
}): void {
  const flags = commands.flatMap(({ flags }) => namedFlags(flags));
  const found = flags.filter(({ name }) => name === key);
  if (found.some(({ flag }) => !flag.isTypedOnly)) return;
  if (found.length > 0) throw typedOnly(path, key);
  if (command !== undefined) {
    throw refusal(path, `${key} is no flag, wanted an object of its flags`);
  }
  const names = flags.map(({ name }) => name)
    .concat(commands.map(({ name }) => name));
  throw refusal(
    path,
    `no command has a flag ${showJson(key)}${guess(key, names)}`,
  );
}

/** Refuses a key that is no flag of the command. */
function checkName(key: string, { name, flags }: Command, path: string): void {
  const named = namedFlags(flags);
  const found = named.find(({ name }) => name === key);
  if (found?.flag.isTypedOnly) throw typedOnly(path, `${name}.${key}`);
  if (found !== undefined) return;
  const names = named.map(({ name }) => name);
  throw refusal(
    path,
    `${name} has no flag ${showJson(key)}${guess(key, names)}`,
  );
}

function namedFlags(flags: readonly Flag[]): { name: string; flag: Flag }[] {
  return flags.flatMap((flag) =>
    spellingsOf(flag, flags).map(({ name }) => ({ name, flag }))
  );
}

/**
 * Reads a flag of a section.
 *
 * @param flag The flag.
 * @param flags All flags of the command.
 * @param place The file, whose section to read (`null` for what is common), and
 * the folder that a path may begin with as `~`.
 * @returns The setting; `undefined` if there is none.
 * @throws {UsageError} If what is there is no value of the flag.
 */
export function fromFile(
  flag: Flag,
  flags: readonly Flag[],
  { file, section, userFolder }: {
    file: ConfigFile;
    section: string | null;
    userFolder: string | undefined;
  },
): Setting | undefined {
  const { path, common, sections } = file;
  const values = section === null ? common : sections.get(section);
  const origin = { kind: "file", path, section } as const;
  for (const { name, isOpposite } of spellingsOf(flag, flags)) {
    const json = values?.get(name);
    if (json === undefined) continue;
    const label = section === null ? name : `${section}.${name}`;
    if (json === null) {
      return { flag, value: undefined, text: "default", origin };
    }
    if (flag.value === undefined) {
      if (typeof json !== "boolean") throw wrongValue(path, label, json, flag);
      const value = json !== isOpposite;
      return { flag, value, text: String(value), origin };
    }
    const texts = textsOf(flag, json);
    if (texts === null) throw wrongValue(path, label, json, flag);
    const expanded = flag.completes === undefined || userFolder === undefined
      ? texts
      : texts.map((text) => text.replace(/^~(?=[/\\])/, () => userFolder));
    const value = checkedValue(flag, expanded, `Cannot use ${path}: ${label}`);
    const text = Array.isArray(json) ? JSON.stringify(json) : texts[0]!;
    return { flag, value, text, origin };
  }
}

/** What would be typed; `null` if nothing would. */
function textsOf(flag: Flag, json: StrictJson): string[] | null {
  const list = Array.isArray(json) ? json : [json];
  const areTexts = list.every((part) =>
    typeof part === "string" || typeof part === "number"
  );
  if (!areTexts) return null;
  const texts = list.map(String);
  if (flag.isList || !Array.isArray(json)) return texts;
  // Such as the slots of each layer; what is parsed is typed between commas.
  return flag.parse === undefined ? null : [texts.join(",")];
}

function wrongValue(
  path: string,
  label: string,
  json: StrictJson,
  flag: Flag,
): UsageError {
  return refusal(path, `${label} is ${show(json)}, wanted ${wantedOf(flag)}`);
}

function typedOnly(path: string, label: string): UsageError {
  return refusal(path, `${label} is for the command line only`);
}

function refusal(path: string, reason: string): UsageError {
  return new UsageError(`Cannot use ${path}: ${reason}`);
}

function guess(wrong: string, names: readonly string[]): string {
  const name = closest(wrong, names);
  return name === undefined
    ? "; moeno config --all lists what can be set"
    : `; did you mean ${name}?`;
}

/** A value in a few words. */
function show(json: StrictJson): string {
  if (json instanceof Map) return "an object";
  if (Array.isArray(json)) return "a list";
  return typeof json === "string" ? showJson(json) : String(json);
}
