import type { Io } from "./io.ts";

// deno-lint-ignore no-control-regex -- they are what must not be there
const CONTROLS = /[\0-\x08\x0b-\x1f\x7f-\x9f]/g;

/**
 * Takes from a text of others what tells a terminal to do something: to write to the
 * clipboard, say, or over what stands there.
 *
 * @param text The text, or a piece of one.
 * @returns The text with line breaks and tabs, and a mark for each other character
 * of control; carriage returns are left out.
 */
export function harmless(text: string): string {
  return text.replace(
    CONTROLS,
    (control) => control === "\r" ? "" : "\uFFFD",
  );
}

/**
 * Writes to stdout what a model wrote: as it is, unless a terminal reads it.
 *
 * @param io Where to.
 * @param text A piece of its text.
 */
export function outText(io: Io, text: string): void {
  io.out(io.terminal.out ? harmless(text) : text);
}
