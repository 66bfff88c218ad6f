/**
 * Values from files, for sentences.
 *
 * @module
 */
import { harmlessLine } from "./harmless.ts";

/** Enough to find a value by. */
const SHOWN_LENGTH = 80;

/**
 * Shows a value in an error: short, in one line, however large and deep it is.
 *
 * @param value Any value that JSON can hold.
 * @returns A text in quotes, with `…` before the last if it has more than 80
 * characters; of another value at most 80 characters of its JSON.
 */
export function showJson(value: unknown): string {
  if (typeof value === "string") {
    return JSON.stringify(
      value.length > SHOWN_LENGTH
        ? `${value.slice(0, SHOWN_LENGTH).toWellFormed()}…`
        : value,
    );
  }
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
  return harmlessLine(text);
}
