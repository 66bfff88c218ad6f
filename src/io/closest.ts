/**
 * Guesses what was meant.
 *
 * @module
 */

/**
 * Finds the name that was probably meant.
 *
 * @param wrong What was typed.
 * @param names What there is.
 * @returns The closest name; none if none is close.
 */
export function closest(
  wrong: string,
  names: readonly string[],
): string | undefined {
  // Two letters in the wrong order are two changes.
  const most = wrong.length < 4 ? 1 : Math.max(2, wrong.length / 3);
  return names
    .map((name) => ({ name, distance: editDistance(wrong, name) }))
    .filter(({ distance }) => distance <= most)
    .sort((a, b) => a.distance - b.distance)[0]?.name;
}

/** How many letters to add, drop or change to get from one to the other. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
