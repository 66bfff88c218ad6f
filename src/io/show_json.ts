/**
 * Values from files, for sentences.
 *
 * @module
 */

/** Enough to find a value by. */
const SHOWN_LENGTH = 80;

/**
 * Shows a value in an error: short, in one line, however large and deep it is.
 *
 * @param value Any value that JSON can hold.
 * @returns At most 80 characters of its JSON, and `…` if it has more.
 */
export function showJson(value: unknown): string {
  // JSON has numbers that are too large to be any.
  const text = typeof value === "number" ? String(value) : stringify(value);
  return text.length > SHOWN_LENGTH
    ? `${text.slice(0, SHOWN_LENGTH).toWellFormed()}…`
    : text;
}

function stringify(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "missing";
  } catch {
    // JSON.parse() goes deeper than JSON.stringify().
    return typeof value === "object" ? "a deep object" : `a ${typeof value}`;
  }
}

/**
 * Says why a text is no JSON. The engine quotes the text, which may have line breaks,
 * and what a terminal would obey.
 *
 * @param error What `JSON.parse()` threw.
 * @returns Its message in one line.
 */
export function jsonReason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\p{Cc}+/gu, " ");
}
