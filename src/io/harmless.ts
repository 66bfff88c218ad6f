/**
 * Texts that others wrote, as a terminal may show them.
 *
 * A character that a terminal obeys becomes U+FFFD, whoever wrote it: a model, a file
 * that came with one, a hub, a client.
 *
 * @module
 */

/** Characters of a message that are shown: its start and its end. */
const START_LENGTH = 600;
const END_LENGTH = 300;

/** What a terminal obeys. */
const CONTROL = /\p{Cc}/gu;

/** What ends a line, or shows what follows in another order. */
const NOT_IN_LINES = /[\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu;

const MARK = "\uFFFD";

/**
 * Makes a text harmless that may have lines, or a piece of one. What languages are
 * written in is left as it is, marks of their direction included.
 *
 * @param text The text.
 * @returns It with line feeds and tabs, without carriage returns, and with U+FFFD for
 * every other character of control.
 */
export function harmlessText(text: string): string {
  return text.replace(CONTROL, (control) => {
    if (control === "\n" || control === "\t") return control;
    return control === "\r" ? "" : MARK;
  });
}

/**
 * Makes one line of a name or another text that stands among words of ours.
 *
 * @param text The text.
 * @returns It with a space for every line break and tab, and U+FFFD for every other
 * character of control or of another order.
 */
export function harmlessLine(text: string): string {
  return text.toWellFormed().replace(/\r\n?|[\n\t]/g, " ")
    .replace(CONTROL, MARK).replace(NOT_IN_LINES, MARK);
}

/**
 * Makes one line of bounded length of a message, whatever names and texts it quotes.
 *
 * @param message The message.
 * @returns It, as {@linkcode harmlessLine} makes it; of a long one start and end.
 */
export function oneLine(message: string): string {
  const whole = harmlessLine(message);
  if (whole.length <= START_LENGTH + END_LENGTH) return whole;
  const start = whole.slice(0, START_LENGTH);
  return `${start}…${whole.slice(-END_LENGTH)}`.toWellFormed();
}
