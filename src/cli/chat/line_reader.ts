/** The longest message, in UTF-16 code units: more than any context holds. */
const MAX_LENGTH = 1 << 24;

/**
 * Cuts a stream of bytes into lines. A character may be cut by the end of a read,
 * and a line may end in CR LF. The last line needs no end.
 *
 * @param input UTF-8; bytes that are none become U+FFFD.
 * @returns The lines, without their ends.
 * @throws {Error} If one has more than 2^24 characters.
 */
export async function* readLines(
  input: ReadableStream<Uint8Array>,
): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  // Pieces of a line are joined once: joining at each read is quadratic.
  let pieces: string[] = [];
  let length = 0;
  function add(piece: string): void {
    pieces.push(piece);
    length += piece.length;
    checkLength(length);
  }
  function* cut(text: string): Generator<string> {
    let start = 0;
    while (true) {
      const end = text.indexOf("\n", start);
      if (end < 0) break;
      add(text.slice(start, end));
      yield pieces.join("").replace(/\r$/, "");
      pieces = [];
      length = 0;
      start = end + 1;
    }
    if (start < text.length) add(text.slice(start));
  }
  for await (const bytes of input) {
    yield* cut(decoder.decode(bytes, { stream: true }));
  }
  yield* cut(decoder.decode());
  if (pieces.length > 0) yield pieces.join("").replace(/\r$/, "");
}

function checkLength(length: number): void {
  if (length <= MAX_LENGTH) return;
  throw new Error(
    `Cannot read a message: it has more than ${MAX_LENGTH} characters, wanted fewer`,
  );
}

/** What marks both ends of a message of several lines. */
export const FENCE = '"""';

/** What was typed. */
export interface TypedText {
  /** The text. */
  text: string;
  /** Whether it stood between `"""`, so that it is no command. */
  isFenced: boolean;
}

/**
 * Joins lines: from `"""` to `"""` is one text.
 *
 * @param lines The lines.
 * @param onContinue Called before a line that continues a text is read.
 * @returns Texts, which may be empty.
 * @throws {Error} If one has more than 2^24 characters.
 */
export async function* readTexts(
  lines: AsyncIterable<string>,
  onContinue: () => void = () => {},
): AsyncGenerator<TypedText, void> {
  let open: string[] | undefined;
  let length = 0;
  for await (const line of lines) {
    let text = line;
    if (open === undefined) {
      if (!line.trimStart().startsWith(FENCE)) {
        yield { text: line, isFenced: false };
        continue;
      }
      open = [];
      length = 0;
      text = line.trimStart().slice(FENCE.length);
    }
    const isLast = text.trimEnd().endsWith(FENCE);
    length += text.length + 1;
    checkLength(length);
    open.push(isLast ? text.trimEnd().slice(0, -FENCE.length) : text);
    if (isLast) {
      yield fencedText(open);
      open = undefined;
    } else {
      onContinue();
    }
  }
  if (open !== undefined) yield fencedText(open);
}

/**
 * Whether a text that begins with `"""` goes on.
 *
 * @param text The text.
 * @returns Whether the second `"""` is missing.
 */
export function isFenceOpen(text: string): boolean {
  return !text.trim().slice(FENCE.length).endsWith(FENCE);
}

/**
 * Takes the `"""` from a text that came whole; without them a line break at the end,
 * which pasted lines have.
 *
 * @param text The text.
 * @returns What is meant.
 */
export function typedText(text: string): TypedText {
  const trimmed = text.trim();
  if (!trimmed.startsWith(FENCE) || isFenceOpen(trimmed)) {
    return { text: text.replace(/\n$/, ""), isFenced: false };
  }
  return fencedText([trimmed.slice(FENCE.length, -FENCE.length)]);
}

/** Line breaks next to the fences are no part of the text. */
function fencedText(lines: readonly string[]): TypedText {
  const text = lines.join("\n").replace(/^\n/, "").replace(/\n$/, "");
  return { text, isFenced: true };
}
