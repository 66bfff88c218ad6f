/**
 * Counts what two sequences have in common at their start.
 *
 * @param a Ids.
 * @param b Ids.
 * @returns How many of the first ids are the same.
 */
export function sharedLength(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
): number {
  const most = Math.min(a.length, b.length);
  let count = 0;
  while (count < most && a[count] === b[count]) count++;
  return count;
}
