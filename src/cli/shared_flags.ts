import type { Flag } from "./args.ts";
import { COMMON_FLAGS, LOAD_FLAGS, SYNTHETIC_FLAG } from "./flags.ts";

/** The result as JSON. */
export const JSON_FLAG: Flag = {
  name: "json",
  option: "json",
  help: "Print one JSON object",
};

/** What every command has, also those that run no model. */
export const PLAIN_FLAGS: readonly Flag[] = COMMON_FLAGS.filter(({ name }) =>
  ["quiet", "debug", "help"].includes(name)
);

/**
 * How to load a model, in commands about text: what is made up has none.
 */
export const TEXT_LOAD_FLAGS: readonly Flag[] = LOAD_FLAGS.filter((flag) =>
  flag !== SYNTHETIC_FLAG
);

/**
 * A flag of loading that means the same in a command which takes few of them.
 *
 * @param name Its name.
 * @param fallback Its default there, for the help, if it is another one.
 * @returns The flag.
 */
export function loadFlag(name: string, fallback?: string): Flag {
  const flag = LOAD_FLAGS.find((flag) => flag.name === name)!;
  return fallback === undefined ? flag : { ...flag, default: fallback };
}
