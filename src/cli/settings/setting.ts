import { type Flag, type FlagValue, oppositeOf, parseValue } from "../args.ts";
import { UsageError } from "../usage_error.ts";

/** What sets a flag that was not typed. */
export type Origin =
  | {
    readonly kind: "variable";
    /** The variable. */
    readonly name: string;
  }
  | {
    readonly kind: "file";
    /** The file. */
    readonly path: string;
    /** The command whose object in the file sets it; `null` for all. */
    readonly section: string | null;
  };

/** A flag that a variable or the file sets. */
export interface Setting {
  /** The flag. */
  readonly flag: Flag;
  /** Its value; `undefined` if the flag is to count as not given. */
  readonly value: FlagValue | undefined;
  /** The value as it was written. */
  readonly text: string;
  /** What sets it. */
  readonly origin: Origin;
}

/** Stands for the value of a secret. */
export const HIDDEN = "***";

/**
 * Shows the value of a setting to people.
 *
 * @param setting The setting.
 * @returns The value as it was written; of a secret, that there is one.
 */
export function shownText({ flag, text }: Setting): string {
  return flag.isSecret ? HIDDEN : text;
}

/**
 * Says what sets a flag.
 *
 * @param origin What sets it.
 * @returns The variable, or the path of the file.
 */
export function describeOrigin(origin: Origin): string {
  if (origin.kind === "variable") return origin.name;
  const { path, section } = origin;
  return section === null ? path : `${path} (${section})`;
}

/** A name by which a flag can be set. */
export interface Spelling {
  /** The name, as in the file. */
  readonly name: string;
  /** Whether it turns off what the flag turns on. */
  readonly isOpposite: boolean;
}

/**
 * Finds the names by which a flag can be set: its own, and that of the opposite
 * if it is a switch: `no-tuning: true` is `tuning: false`.
 *
 * @param flag The flag.
 * @param flags All flags of the command.
 * @returns The names, its own first.
 */
export function spellingsOf(flag: Flag, flags: readonly Flag[]): Spelling[] {
  const { name, value } = flag;
  const opposite = oppositeOf(name);
  const isTaken = flags.some((flag) => flag.name === opposite);
  return [
    { name, isOpposite: false },
    ...value !== undefined || isTaken
      ? []
      : [{ name: opposite, isOpposite: true }],
  ];
}

/**
 * Checks a value like a typed one.
 *
 * @param flag The flag.
 * @param texts The value, or the values of a list.
 * @param label What to call the flag in a refusal.
 * @returns The value.
 * @throws {UsageError} If it is none.
 */
export function checkedValue(
  flag: Flag,
  texts: readonly string[],
  label: string,
): FlagValue {
  try {
    const values = texts.map((text) => parseValue(flag, text));
    return flag.isList ? values as string[] : values.at(-1)!;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const message = error.message.replace(`--${flag.name}`, () => label);
    throw new UsageError(message, { cause: error });
  }
}
