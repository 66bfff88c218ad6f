import { type Flag, parseValue } from "./args.ts";

/**
 * Makes a flag that takes several values between commas, each checked like the
 * one.
 *
 * @param flag The flag of one value.
 * @returns The flag; its value is a list.
 */
export function listFlag(flag: Flag): Flag {
  return {
    ...flag,
    value: `${flag.value},…`,
    parse: (text) =>
      text.split(",").map((part) =>
        parseValue(flag, part.trim()) as number | string
      ),
  };
}
