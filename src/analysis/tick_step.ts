/**
 * How far apart those of many whole numbers are that there is room for.
 *
 * @param span The largest number less the smallest.
 * @param room How many there is room for.
 * @returns A power of two.
 */
export function tickStep(span: number, room: number): number {
  let step = 1;
  while (span / step >= room && step < span) step *= 2;
  return step;
}
