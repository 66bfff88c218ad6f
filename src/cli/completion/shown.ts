import type { Flag, Named } from "../args.ts";
import type { Command } from "../command.ts";

/** What can stand at a place of the command line. */
export interface Shown {
  /** Words that can. */
  readonly words: readonly string[];
  /** What else can, by the shell's own means. */
  readonly named: Named | undefined;
}

/**
 * Finds what completes the value of a flag.
 *
 * @param flag The flag.
 * @param commands All commands.
 * @returns What there is to choose from; nothing for a number or a text.
 */
export function valueOf(
  { choices = [], completes }: Flag,
  commands: readonly Command[],
): Shown {
  return withCommands(choices.map(String), completes, commands);
}

/**
 * Finds what completes an argument of a command.
 *
 * @param command The command.
 * @param commands All commands.
 * @returns What there is to choose from.
 */
export function argumentOf(
  { words = [], completes }: Command,
  commands: readonly Command[],
): Shown {
  return withCommands(words, completes, commands);
}

/** Names of commands are words. */
function withCommands(
  words: readonly string[],
  named: Named | undefined,
  commands: readonly Command[],
): Shown {
  if (named !== "command") return { words, named };
  return {
    words: [...commands.map(({ name }) => name), ...words],
    named: undefined,
  };
}

/**
 * Quotes a text for a POSIX shell.
 *
 * @param text The text.
 * @returns A word that stands for it.
 */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
