/**
 * Files of models, which come from strangers.
 *
 * @module
 */
import { formatByteLength } from "./byte_length.ts";

/** The most text that is read at once: tens of times the largest tokenizer. */
const MAX_TEXT_BYTE_LENGTH = 1 << 28;

/**
 * Looks at what is to be opened. A pipe keeps whoever opens it waiting, and some
 * devices never end: neither is in a model but to do harm.
 *
 * @param path The file.
 * @returns What the system says of it.
 * @throws {Error} If it is not a plain file, or what the system throws.
 */
export async function statPlainFile(path: string): Promise<Deno.FileInfo> {
  const info = await Deno.stat(path);
  if (info.isFile) return info;
  const state = info.isDirectory ? "it is a directory" : "it is not a file";
  throw new Error(`Cannot read ${path}: ${state}, wanted a file`);
}

/**
 * Reads a text of a model.
 *
 * @param path The file.
 * @returns The text.
 * @throws {Error} If it is not a plain file or has more than 256 MiB, or what the
 * system throws.
 */
export async function readPlainText(path: string): Promise<string> {
  const { size } = await statPlainFile(path);
  if (size > MAX_TEXT_BYTE_LENGTH) {
    const [state, limit] = [size, MAX_TEXT_BYTE_LENGTH].map(formatByteLength);
    throw new Error(
      `Cannot read ${path}: it has ${state}, wanted at most ${limit}`,
    );
  }
  return await Deno.readTextFile(path);
}
