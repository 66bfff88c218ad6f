import type { Interrupts } from "../interrupts.ts";
import type { Io } from "../io.ts";
import { readLines, readTexts, type TypedText } from "./line_reader.ts";

/** What comes from whoever chats: a text, the end, or Ctrl-C to leave. */
export type Incoming = TypedText | "end" | "interrupted";

/** Where messages come from. */
export interface MessageSource extends Disposable {
  /** Asks for the next message. */
  next(): Promise<Incoming>;
}

/**
 * Reads messages line by line: from a pipe, or from a terminal that can move no
 * cursor, which is prompted.
 *
 * @param io Where to read; prompts go to stderr, if stdin is a terminal.
 * @param interrupts Tells of Ctrl-C.
 * @returns The messages.
 */
export function lineSource(io: Io, interrupts: Interrupts): MessageSource {
  const prompt = (text: string) => {
    if (io.terminal.input) io.err(text);
  };
  const texts = readTexts(readLines(io.input), () => prompt("... "));
  return {
    async next() {
      prompt("> ");
      const typed = await nextUnlessInterrupted(texts, interrupts);
      if (typed?.done === false) return typed.value;
      prompt("\n"); // the shell's own prompt is to begin a line
      return typed === undefined ? "interrupted" : "end";
    },
    [Symbol.dispose]: () => {},
  };
}

/** The next text; nothing if Ctrl-C came first. */
async function nextUnlessInterrupted<T>(
  texts: AsyncIterator<T, void>,
  interrupts: Interrupts,
): Promise<IteratorResult<T, void> | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  using _listening = interrupts.listen(() => resolve(undefined));
  return await Promise.race([texts.next(), promise]);
}
