import type { GenerateResult, Piece } from "../engine/generate.ts";
import { outText } from "./out_text.ts";
import type { Io } from "./io.ts";

/**
 * Writes a text to stdout as it comes, and ends its last line, also if it fails.
 *
 * @param pieces What a generation yields.
 * @param io Where to.
 * @param waiting What is shown until the text begins.
 * @returns The record of the generation.
 */
export async function streamText(
  pieces: AsyncIterable<Piece>,
  io: Io,
  waiting: Disposable,
): Promise<GenerateResult> {
  let isMidLine = false;
  try {
    for await (const { text, final } of pieces) {
      if (text !== "" || final !== undefined) waiting[Symbol.dispose]();
      if (text !== "") {
        outText(io, text);
        isMidLine = !text.endsWith("\n");
      }
      if (final === undefined) continue;
      if (isMidLine || final.text === "") io.out("\n");
      return final;
    }
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) throw error;
    waiting[Symbol.dispose]();
    if (isMidLine) io.out("\n"); // the error begins a line
    throw error;
  }
  throw new Error("Cannot generate: the text ended without its record");
}
