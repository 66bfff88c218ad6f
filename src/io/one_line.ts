/**
 * Messages that quote what others wrote.
 *
 * @module
 */

/** Characters of a message that are shown: its start and its end. */
const START_LENGTH = 600;
const END_LENGTH = 300;

/** What a terminal obeys, or shows in another order. */
const CONTROLS = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

/**
 * Makes one line of a message, of bounded length, that a terminal does not obey,
 * whatever names and texts it quotes.
 *
 * @param message The message.
 * @returns It; of a long one its start and its end.
 */
export function oneLine(message: string): string {
  const whole = message.toWellFormed().replace(/\r?\n/g, " ").replace(
    CONTROLS,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  if (whole.length <= START_LENGTH + END_LENGTH) return whole;
  const start = whole.slice(0, START_LENGTH);
  return `${start}…${whole.slice(-END_LENGTH)}`.toWellFormed();
}
