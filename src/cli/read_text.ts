import { readBounded } from "../io/read_bounded.ts";
import type { Io } from "./io.ts";

/** What stands for stdin where a file is wanted. */
export const STDIN = "-";

/** More than anybody has a model read. */
const MAX_TEXT_BYTE_LENGTH = 1 << 28;

/**
 * Reads a text, as it is.
 *
 * @param path Its file; `-` is stdin.
 * @param io Where stdin is.
 * @param what What errors call it.
 * @returns The text.
 * @throws {Error} If it cannot be read, or is not UTF-8.
 */
export async function readText(
  path: string,
  io: Io,
  what: string,
): Promise<string> {
  const isStdin = path === STDIN;
  const action = `read the ${what} from ${isStdin ? "stdin" : path}`;
  const bytes = await readBounded(isStdin ? io.input : path, {
    maxByteLength: MAX_TEXT_BYTE_LENGTH,
    action,
  });
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new Error(`Cannot ${action}: it is not UTF-8`, { cause: error });
  }
}
