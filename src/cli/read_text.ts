import { fileError } from "../io/file_error.ts";
import type { Io } from "./io.ts";

/**
 * Reads a text, as it is.
 *
 * @param path Its file; `null` for stdin.
 * @param io Where stdin is.
 * @param what What errors call it.
 * @returns The text.
 * @throws {Error} If it cannot be read, or is not UTF-8.
 */
export async function readText(
  path: string | null,
  io: Io,
  what: string,
): Promise<string> {
  const action = `read the ${what} from ${path ?? "stdin"}`;
  let bytes: Uint8Array;
  try {
    bytes = path === null
      ? await new Response(io.input).bytes()
      : await Deno.readFile(path);
  } catch (error) {
    throw fileError(action, error);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new Error(`Cannot ${action}: it is not UTF-8`, { cause: error });
  }
}
