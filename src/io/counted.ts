/**
 * Writes a count with its noun, for people.
 *
 * @param count How many.
 * @param noun What, if it is one.
 * @param nouns What, if it is not one.
 * @returns Such as `1 token` or `3 tokens`.
 */
export function counted(
  count: number,
  noun: string,
  nouns: string = `${noun}s`,
): string {
  return `${count} ${count === 1 ? noun : nouns}`;
}
