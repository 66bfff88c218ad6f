/**
 * JSON files such as `config.json`.
 *
 * @module
 */
import { fileError } from "./file_error.ts";
import { readPlainText } from "./plain_file.ts";
import { jsonReason } from "./show_json.ts";

/**
 * Reads a JSON file. It checks the syntax only; the caller checks the content.
 *
 * @param path The file.
 * @returns Its value.
 * @throws {Error} If there is no such file or it cannot be read.
 * @throws {SyntaxError} If it is not JSON.
 */
export async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readPlainText(path);
  } catch (error) {
    throw fileError(`read ${path}`, error);
  }
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw new SyntaxError(
      `Cannot read ${path}: it has ${text.length} characters that are not JSON (${
        jsonReason(error)
      }), wanted JSON`,
      { cause: error },
    );
  }
}
