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
  const bytes = path === null
    ? await new Response(io.input).bytes()
    : await readFile(path, what);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    const from = path ?? "stdin";
    throw new Error(`Cannot read the ${what} from ${from}: it is not UTF-8`, {
      cause: error,
    });
  }
}

async function readFile(
  path: string,
  what: string,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound
      ? "there is no such file"
      : error instanceof Error
      ? error.message
      : String(error);
    throw new Error(`Cannot read the ${what} from ${path}: ${reason}`, {
      cause: error,
    });
  }
}
