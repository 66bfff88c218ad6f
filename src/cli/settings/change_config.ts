import { dirname } from "@std/path";
import { fileError } from "../../io/file_error.ts";
import { makeWritable } from "../../io/make_writable.ts";
import { writeAll, writeWhole } from "../../io/write_whole.ts";
import type { Flag } from "../args.ts";
import type { Command } from "../command.ts";
import { UsageError } from "../usage_error.ts";
import { parseConfig } from "./config_file.ts";
import { neededPath, type SettingsEnvironment } from "./environment.ts";
import { checkedValue, HIDDEN, spellingsOf } from "./setting.ts";
import { listOf, readSwitch, variableOf } from "./variables.ts";

/** What is in the file, as `JSON.parse()` reads it. */
type Json = { [key: string]: unknown };

/** What to do with the file. */
export interface ConfigChange {
  /** Whether a key gets a value or loses it. */
  readonly action: "set" | "unset";
  /** The key and its value, as typed. */
  readonly words: readonly string[];
  /** All commands. */
  readonly commands: readonly Command[];
  /** What says where the file is. */
  readonly environment: SettingsEnvironment;
}

/** What was done. */
export interface ConfigChanged {
  /** For programs. */
  readonly record: { path: string; key: string; value: unknown };
  /** For people, a line each. */
  readonly notes: readonly string[];
}

/**
 * Changes the file of the configuration, which is made if it is not there.
 *
 * @param change What to do.
 * @returns What was done.
 * @throws {UsageError} If the key, the value or the file is wrong.
 * @throws {Error} If the file cannot be read or written.
 */
export async function changeConfig(
  { action, words, commands, environment }: ConfigChange,
): Promise<ConfigChanged> {
  const [key, ...texts] = words;
  if (key === undefined || (texts.length === 0) !== (action === "unset")) {
    throw new UsageError(
      action === "set"
        ? "config set needs a key and a value, as in config set temperature 0.7"
        : "config unset needs one key, as in config unset temperature",
    );
  }
  const path = neededPath(environment);
  const before = await readText(path);
  parseConfig(before, path, commands);
  const json = JSON.parse(before.replace(/^\uFEFF/, "")) as Json;
  const value = action === "set"
    ? valueOf(key, texts, { path, commands })
    : undefined;
  const isThere = change(json, key, value);
  if (action === "unset" && !isThere) {
    throw new Error(`Cannot unset ${key}: it is not in ${path}`);
  }
  await writeText(path, JSON.stringify(json, null, 2) + "\n");
  const name = key.slice(key.indexOf(".") + 1);
  const variable = variableOf(name);
  const shown = isSecret(name, commands) ? HIDDEN : value;
  return {
    record: { path, key, value: value === undefined ? null : shown },
    notes: [
      action === "set"
        ? `${key} is ${JSON.stringify(shown)} in ${path}`
        : `${key} is no longer in ${path}`,
      ...environment.variable(variable)
        ? [`${variable} is set and goes before it`]
        : [],
    ],
  };
}

/** Whether a flag is one whose value is not shown. */
function isSecret(name: string, commands: readonly Command[]): boolean {
  return commands.some(({ flags }) =>
    flags.some((flag) => flag.name === name && flag.isSecret)
  );
}

/** An empty object if there is no file yet. */
async function readText(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "{}";
    throw fileError(`read ${path}`, error);
  }
}

/** Goes through links: whoever keeps settings elsewhere keeps them there. */
async function writeText(path: string, text: string): Promise<void> {
  const target = await Deno.realPath(path).catch(() => path);
  const mode = await Deno.stat(target).then(({ mode }) => mode, () => null);
  const wanted = "the path of another file in MOENO_CONFIG";
  await makeWritable(dirname(target), wanted);
  const bytes = new TextEncoder().encode(text);
  // A key may be in it.
  await writeWhole(target, (file) => writeAll(file, bytes), {
    isPrivate: true,
  });
  if (mode !== null) await Deno.chmod(target, mode & 0o777);
}

/** Sets or removes a key; says whether it was there. */
function change(json: Json, key: string, value: unknown): boolean {
  const [first, second] = splitKey(key);
  if (second === undefined) {
    const isThere = Object.hasOwn(json, first);
    if (value === undefined) delete json[first];
    else json[first] = value;
    return isThere;
  }
  const section = Object.hasOwn(json, first) ? json[first] as Json : {};
  const isThere = change(section, second, value);
  if (Object.keys(section).length > 0) json[first] = section;
  else delete json[first];
  return isThere;
}

/** No flag has a dot. */
function splitKey(key: string): [string, string?] {
  const dot = key.indexOf(".");
  return dot < 0 ? [key] : [key.slice(0, dot), key.slice(dot + 1)];
}

/**
 * Finds the JSON of a value, which all commands accept that it is for.
 *
 * @param key As typed: a flag, or a command and its flag.
 * @param texts The value, or the values of a list.
 * @param options Where the file is, and all commands.
 * @returns The value as the file is to hold it.
 * @throws {UsageError} If there is no such key or the value is none.
 */
function valueOf(
  key: string,
  texts: readonly string[],
  { path, commands }: { path: string; commands: readonly Command[] },
): unknown {
  const [first, second] = splitKey(key);
  // Refuses keys that there are not, with a guess.
  const known = second === undefined
    ? { [key]: null }
    : { [first]: { [second]: null } };
  parseConfig(JSON.stringify(known), path, commands);
  const name = second ?? first;
  const takers = commands
    .filter((command) => second === undefined || command.name === first)
    .flatMap((command) => {
      const { flags } = command;
      const flag = flags.find((flag) =>
        !flag.isTypedOnly &&
        spellingsOf(flag, flags).some((spelling) => spelling.name === name)
      );
      return flag === undefined ? [] : [{ command, flag }];
    });
  const refused = takers.flatMap(({ command, flag }) => {
    try {
      jsonOf(flag, texts, key);
      return [];
    } catch (error) {
      return [{ command, error: error as Error }];
    }
  });
  if (refused.length === 0) return jsonOf(takers[0]!.flag, texts, key);
  const [{ command, error }] = refused as [typeof refused[0]];
  const other = takers.find((taker) =>
    refused.every(({ command }) => command !== taker.command)
  )?.command.name;
  if (other === undefined) throw error;
  throw new UsageError(
    `${error.message}, by ${command.name}; ${other}.${name} sets it for ${other} alone`,
    { cause: error },
  );
}

/** The value as the file holds it, checked. */
function jsonOf(flag: Flag, texts: readonly string[], key: string): unknown {
  if (texts.length > 1 && !flag.isList) {
    throw new UsageError(`${key} is ${texts.length} values, wanted one`);
  }
  const [text] = texts as [string];
  if (flag.value === undefined) return readSwitch(text, key);
  // What moeno config shows of a list can be typed again.
  if (flag.isList) {
    const list = texts.length === 1 ? listOf(text) : texts;
    return checkedValue(flag, list, key);
  }
  const value = checkedValue(flag, texts, key);
  // An amount such as 12GiB stays as it is.
  return flag.parse === undefined ? value : text;
}
