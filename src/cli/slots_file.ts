import { readBounded } from "../io/read_bounded.ts";
import { parseSlots, type SlotsWish } from "../offload/slots_wish.ts";
import type { FlagValue } from "./args.ts";

/** Numbers of a few dozen layers, and comments. */
const MAX_BYTE_LENGTH = 1 << 20;

/**
 * Reads the value of `--slots`: a wish, or a file, which is `@` and its path, or
 * the path of a file that is there.
 *
 * @param text What was typed.
 * @returns The wish; `@` and the path for a file, which is not opened.
 * @throws {SyntaxError} If it is neither.
 */
export function parseSlotsOrFile(text: string): FlagValue {
  try {
    return parseSlots(text);
  } catch (error) {
    const file = slotsFileOf(text);
    if (file === undefined) throw error;
    return file;
  }
}

/**
 * Finds the file that the value of a flag names, if it is no wish.
 *
 * @param text What was typed: `@` and a path, or the path of a file that is there.
 * @returns `@` and the path; `undefined` if it names no file.
 */
export function slotsFileOf(text: string): string | undefined {
  if (/^@./s.test(text)) return text;
  return isFile(text) ? `@${text}` : undefined;
}

/**
 * Opens the file that {@linkcode parseSlotsOrFile} found, if it found one: a
 * number for each layer, between line breaks, spaces or commas. What follows a #
 * in a line is a comment.
 *
 * @param value What it returned.
 * @returns The wish.
 * @throws {Error} If the file cannot be read, or has no such numbers.
 */
export async function readSlots(value: FlagValue): Promise<SlotsWish> {
  if (typeof value !== "string" || value === "auto") return value as SlotsWish;
  const path = value.slice(1);
  const action = `read slots from ${path}`;
  const maxByteLength = MAX_BYTE_LENGTH;
  const bytes = await readBounded(path, { maxByteLength, action });
  const text = new TextDecoder().decode(bytes);
  const parts = text.replace(/#.*/g, "").split(/[\s,]+/).filter((part) =>
    part !== ""
  );
  const wrong = parts.find((part) => !/^\d{1,9}$/.test(part));
  if (parts.length > 0 && wrong === undefined) return parts.map(Number);
  const state = wrong === undefined
    ? "it is empty"
    : `${JSON.stringify(wrong.slice(0, 40))} is no number`;
  throw new Error(
    `Cannot ${action}: ${state}, wanted one for each layer`,
  );
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false; // whatever the reason, it is no file that can be read
  }
}
