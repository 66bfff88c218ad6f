import type { Io } from "./io.ts";
import { readText, STDIN } from "./read_text.ts";
import { UsageError } from "./usage_error.ts";

/**
 * Finds the prompt: the arguments, joined by spaces; a file; or stdin, if the
 * argument or the file is `-`, or stdin is a pipe. One line break at the end of a
 * file or of stdin is no part of it.
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
  if (file !== undefined && positional.length > 0) {
    throw new UsageError("--file does not go with a prompt as argument");
  }
  const prompt = positional.join(" ");
  if (positional.length > 0 && prompt !== STDIN) return prompt;
  if (file === undefined && prompt === "" && io.terminal.input) {
    throw new UsageError(
      "There is no prompt: give it as argument, with --file, or on stdin",
    );
  }
  const text = await readText(file ?? STDIN, io, "prompt");
  return text.replace(/\r?\n$/, "");
}
