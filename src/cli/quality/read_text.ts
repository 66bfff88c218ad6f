import type { Io } from "../io.ts";

/**
 * Reads a text, as it is.
 *
 * @param path Its file; `-` for stdin.
 * @param io Where stdin is.
 * @returns The text.
 * @throws {Error} If it cannot be read, or is not UTF-8.
 */
export async function readText(path: string, io: Io): Promise<string> {
  const bytes = path === "-"
    ? await new Response(io.input).bytes()
    : await readFile(path);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new Error(
      `Cannot read the text from ${
        path === "-" ? "stdin" : path
      }: it is not UTF-8`,
      { cause: error },
    );
  }
}

/**
 * Says what to call a text.
 *
 * @param path Its file; `-` for stdin.
 * @returns The file's name without its folders, or `stdin`.
 */
export function nameOf(path: string): string {
  return path === "-" ? "stdin" : path.split(/[/\\]/).at(-1)!;
}

async function readFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound
      ? "there is no such file"
      : error instanceof Error
      ? error.message
      : String(error);
    throw new Error(`Cannot read the text from ${path}: ${reason}`, {
      cause: error,
    });
  }
}
