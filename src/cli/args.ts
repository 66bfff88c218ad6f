import { parseArgs } from "@std/cli";
import { describeRange, isInRange, type Range } from "../engine/options.ts";
import { closest } from "../io/closest.ts";
import { UsageError } from "./usage_error.ts";

/** A flag of a command: its help, its check and its meaning in one place. */
export interface Flag {
  /** As typed after `--`. */
  name: string;
  /** What it sets, as the engine calls it. */
  option: string;
  /** What it does, in a sentence without a period. */
  help: string;
  /** What stands for the value in the help; a flag without is a switch. */
  value?: string;
  /** The value is a number of this range; otherwise it is text. */
  range?: Range;
  /** The value is one of these numbers or words. */
  choices?: readonly (number | string)[];
  /** Reads the value; throws SyntaxError if it is none. */
  parse?: (text: string) => FlagValue;
  /** What `parse` wants, for its refusals. */
  wanted?: string;
  /** It may be given more than once. */
  isList?: boolean;
  /** The default, as the help shows it. */
  default?: string;
  /** A letter to type after a single `-`. */
  letter?: string;
  /** It comes from the command line only: no file, no variable sets it. */
  isTypedOnly?: boolean;
  /** Its value is never shown. */
  isSecret?: boolean;
  /** What its value names, for completion; words of `choices` complete anyway. */
  completes?: Named;
}

/** What a value names: a path, or a model by path or name, or a command. */
export type Named = "file" | "directory" | "model" | "command";

/** The value of a flag. */
export type FlagValue =
  | number
  | string
  | readonly (number | string)[]
  | boolean;

/** What a command is to work with. */
export interface ParsedArgs {
  /**
   * Values by the flag's option; only of flags that were given. A switch that
   * was turned off is `false`.
   */
  values: Record<string, FlagValue>;
  /** Arguments that are no flags. */
  positional: string[];
}

/** What was typed. */
export interface TypedArgs extends ParsedArgs {
  /** Options of flags, other than switches, that `--no-<flag>` takes back. */
  undone: ReadonlySet<string>;
}

/** Stands for the value of `--no-<flag>`. No argument can hold this character. */
const UNDONE = "\0";

/**
 * Parses the arguments of a command by its table of flags. `--no-<flag>` takes
 * back what was typed before, and what a file or a variable says; for a switch
 * `--no-<name>` that is `--<name>`.
 *
 * @param flags The table.
 * @param args What was typed after the command.
 * @returns The values, checked.
 * @throws {UsageError} If a flag is unknown, lacks its value, or has a bad one.
 */
export function parseFlags(
  flags: readonly Flag[],
  args: readonly string[],
): TypedArgs {
  const names = flags.map(({ name }) => name);
  const parsed = parseArgs(joinValues(flags, args), {
    // Everything is text, so that each value is judged below, by its own flag.
    string: ["_", ...names.map(keyOf)],
    collect: names.map(keyOf),
    unknown: (arg, key) => {
      if (key !== undefined) throw unknownFlag(arg, names);
    },
  });
  const values: ParsedArgs["values"] = {};
  const undone = new Set<string>();
  for (const flag of flags) {
    const texts = parsed[keyOf(flag.name)] as string[];
    if (texts.length === 0) continue;
    const { option } = flag;
    // What is taken back is checked, too.
    const all = texts.map((text) => text === UNDONE || parseValue(flag, text));
    const given = all.slice(texts.lastIndexOf(UNDONE) + 1);
    if (given.length > 0) {
      values[option] = flag.isList ? given as string[] : given.at(-1)!;
    } else if (flag.value === undefined) values[option] = false;
    else undone.add(option);
  }
  return { values, positional: parsed._.map(String), undone };
}

/**
 * Parses the value of one flag.
 *
 * @param flag The flag.
 * @param text What was typed.
 * @returns The value.
 * @throws {UsageError} If it is none.
 */
export function parseValue(
  flag: Flag,
  text: string,
): FlagValue {
  if (flag.value === undefined) return true;
  if (flag.parse !== undefined) return parseOwn(flag, text);
  if (flag.choices === undefined && flag.range === undefined) return text;
  // Number("") is 0 and Number("0x10") 16: a number is what looks like one.
  const isNumber = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text);
  const number = isNumber ? Number(text) : NaN;
  const { choices, range = {} } = flag;
  if (choices?.includes(text)) return text;
  const fits = choices?.includes(number) ?? isInRange(number, range);
  if (fits) return number;
  const shown = isNumber ? text : JSON.stringify(text);
  throw new UsageError(`--${flag.name} is ${shown}, wanted ${wantedOf(flag)}`);
}

/**
 * Says what values a flag takes.
 *
 * @param flag The flag.
 * @returns What follows "wanted".
 */
export function wantedOf({ value, wanted, choices, range }: Flag): string {
  if (value === undefined) return "true or false";
  if (choices !== undefined) return `one of ${choices.join(", ")}`;
  return wanted ?? (range === undefined ? "text" : describeRange(range));
}

/** Parses a value by the flag's own function. */
function parseOwn(flag: Flag, text: string): FlagValue {
  try {
    return flag.parse!(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new UsageError(
      `--${flag.name} is ${JSON.stringify(text)}, wanted ${flag.wanted}`,
      { cause: error },
    );
  }
}

/**
 * Joins each flag with its value, `--seed 7` to `--seed=7`. So a value may
 * begin with a dash or be empty, and a switch never takes the next argument.
 */
function joinValues(
  flags: readonly Flag[],
  args: readonly string[],
): string[] {
  const joined: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === "--") return [...joined, ...args.slice(i)];
    const flag = flags.find(({ name, letter }) =>
      arg === `--${name}` || arg === `-${letter}`
    );
    const undone = flag === undefined ? findUndone(flags, arg) : undefined;
    if (undone !== undefined) {
      joined.push(`--${keyOf(undone.name)}=${UNDONE}`);
    } else if (flag === undefined) {
      joined.push(withoutSwitchValue(flags, arg));
    } else if (flag.value === undefined) {
      joined.push(`--${keyOf(flag.name)}=true`);
    } else if (i + 1 < args.length) {
      joined.push(`--${flag.name}=${args[++i]}`);
    } else {
      throw new UsageError(`--${flag.name} has no value, wanted ${flag.value}`);
    }
  }
  return joined;
}

/**
 * Names what takes a flag back.
 *
 * @param name The flag.
 * @returns `no-<name>`; of `no-<name>` it is the name.
 */
export function oppositeOf(name: string): string {
  return name.startsWith("no-") ? name.slice("no-".length) : `no-${name}`;
}

/** The flag that this takes back, unless there is a flag of that name. */
function findUndone(flags: readonly Flag[], arg: string): Flag | undefined {
  return flags.find(({ name }) => arg === `--${oppositeOf(name)}`);
}

/** `parseArgs()` takes --no-x for x with another value; here it is a name. */
function keyOf(name: string): string {
  return name.replace(/^no-/, "not:");
}

function withoutSwitchValue(flags: readonly Flag[], arg: string): string {
  const name = /^--([^=]+)=/.exec(arg)?.[1];
  if (name === undefined) return arg;
  const flag = flags.find((flag) => flag.name === name);
  const takesValue = flag === undefined
    ? findUndone(flags, `--${name}`) === undefined
    : flag.value !== undefined;
  if (takesValue) return arg;
  throw new UsageError(`--${name} takes no value`);
}

function unknownFlag(arg: string, names: readonly string[]): UsageError {
  const flag = arg.replace(/=.*/s, "");
  const name = closest(flag.replace(/^-+/, ""), [
    ...names,
    ...names.map(oppositeOf),
  ]);
  const guess = name === undefined ? "" : `; did you mean --${name}?`;
  return new UsageError(
    guess === ""
      ? `Unknown flag ${flag}; text that begins with a dash goes after --`
      : `Unknown flag ${flag}${guess}`,
  );
}
