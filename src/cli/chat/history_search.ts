/**
 * Looks for a text in the history.
 *
 * @param history Earlier texts, the latest first.
 * @param query What they are to contain.
 * @param from Which text to begin with.
 * @returns Which text it is, or -1 if there is none or nothing to look for.
 */
export function findInHistory(
  history: readonly string[],
  query: string,
  from: number,
): number {
  if (query === "") return -1;
  return history.findIndex((text, i) => i >= from && text.includes(query));
}
