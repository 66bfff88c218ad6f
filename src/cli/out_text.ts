import { harmlessText } from "../io/harmless.ts";
import type { Io } from "./io.ts";

/**
 * Writes to stdout what a model wrote: as it is, unless a terminal reads it.
 *
 * @param io Where to.
 * @param text A piece of its text.
 */
export function outText(io: Io, text: string): void {
  io.out(io.terminal.out ? harmlessText(text) : text);
}
