/**
 * Tells whether JSON nests too deeply. `JSON.parse()` takes seconds for megabytes of
 * open brackets, in which nobody else is served; this takes milliseconds.
 *
 * @param text The text, JSON or not.
 * @param limit How many brackets may be open at the same time.
 * @returns Whether there are more.
 */
export function isDeepJson(text: string, limit: number): boolean {
  let depth = 0;
  let isInString = false;
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case 0x22: // "
        isInString = !isInString;
        break;
      case 0x5c: // a backslash, and what it escapes
        if (isInString) i++;
        break;
      case 0x5b: // [
      case 0x7b: // {
        if (!isInString && ++depth > limit) return true;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        if (!isInString) depth--;
    }
  }
  return false;
}
