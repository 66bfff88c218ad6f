import { parseArgs } from "@std/cli";
import { describeRange, isInRange, type Range } from "../engine/options.ts";
import { closest, UsageError } from "./usage_error.ts";

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
}

/** The value of a flag. */
export type FlagValue =
  | number
  | string
  | readonly (number | string)[]
  | boolean;

/** What was typed. */
export interface ParsedArgs {
  /** Values by the flag's option; only of flags that were given. */
  values: Record<string, FlagValue>;
  /** Arguments that are no flags. */
  positional: string[];
}

/**
 * Parses the arguments of a command by its table of flags.
 *
 * @param flags The table.
 * @param args What was typed after the command.
 * @returns The values, checked.
 * @throws {UsageError} If a flag is unknown, lacks its value, or has a bad one.
 */
export function parseFlags(
  flags: readonly Flag[],
  args: readonly string[],
): ParsedArgs {
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
  for (const flag of flags) {
    const texts = parsed[keyOf(flag.name)] as string[];
    if (texts.length === 0) continue;
    const list = texts.map((text) => parseValue(flag, text));
    values[flag.option] = flag.isList ? list as string[] : list.at(-1)!;
  }
  return { values, positional: parsed._.map(String) };
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
  const wanted = choices
    ? `one of ${choices.join(", ")}`
    : describeRange(range);
  const shown = isNumber ? text : JSON.stringify(text);
  throw new UsageError(`--${flag.name} is ${shown}, wanted ${wanted}`);
}

/** Parses a value by the flag's own function. */
function parseOwn({ name, parse, wanted }: Flag, text: string): FlagValue {
  try {
    return parse!(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new UsageError(
      `--${name} is ${JSON.stringify(text)}, wanted ${wanted}`,
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
    if (flag === undefined) {
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

/** `parseArgs()` takes --no-x for x with another value; here it is a name. */
function keyOf(name: string): string {
  return name.replace(/^no-/, "not:");
}

function withoutSwitchValue(flags: readonly Flag[], arg: string): string {
  const name = /^--([^=]+)=/.exec(arg)?.[1];
  const flag = flags.find((flag) => flag.name === name);
  if (flag === undefined || flag.value !== undefined) return arg;
  throw new UsageError(`--${name} takes no value`);
}

function unknownFlag(arg: string, names: readonly string[]): UsageError {
  const flag = arg.replace(/=.*/s, "");
  const name = closest(flag.replace(/^-+/, ""), names);
  const guess = name === undefined ? "" : `; did you mean --${name}?`;
  return new UsageError(
    guess === ""
      ? `Unknown flag ${flag}; text that begins with a dash goes after --`
      : `Unknown flag ${flag}${guess}`,
  );
}
