import type { Io } from "./io.ts";
import { readText } from "./read_text.ts";
import { UsageError } from "./usage_error.ts";

/**
 * Finds the prompt: the arguments, joined by spaces; a file; or stdin, if the
 * argument is `-` or stdin is a pipe. One line break at the end of a file or
 * of stdin is no part of it.
 *
 * @param file The path of a file, if one was given.
 * @param positional The arguments.
 * @param io Where stdin is.
 * @returns The prompt.
 * @throws {UsageError} If there is none, or more than one.
 */
export async function readPrompt(
  file: string | undefined,
  positional: readonly string[],
  io: Io,
): Promise<string> {
  if (file !== undefined) {
    if (positional.length > 0) {
      throw new UsageError("--file does not go with a prompt as argument");
    }
    return await readWhole(file, io);
  }
  const isStdin = positional.length === 1 && positional[0] === "-";
  if (positional.length > 0 && !isStdin) return positional.join(" ");
  if (!isStdin && io.terminal.input) {
    throw new UsageError(
      "There is no prompt: give it as argument, with --file, or on stdin",
    );
  }
  return await readWhole(null, io);
}

async function readWhole(path: string | null, io: Io): Promise<string> {
  const text = await readText(path, io, "prompt");
  return text.replace(/\r?\n$/, "");
}
