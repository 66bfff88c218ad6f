/**
 * Makes a name out of a file harmless: it ends no line, and tells a terminal
 * nothing.
 *
 * @param name The name.
 * @returns The name, with a question mark for each character that is not shown.
 */
export function printable(name: string): string {
  return name.replace(/\p{C}|\p{Zl}|\p{Zp}/gu, "?");
}
