/** Which of several ways is the fastest, given that measurements vary. */

/** A way to do something, and how long it took. */
export interface TimedVariant {
  /** What is varied. */
  readonly value: number;
  /** Milliseconds of each measurement, at least one. */
  readonly ms: readonly number[];
}

/** What counts as faster, whatever the noise. */
const LEAST_GAIN = 0.02;

/**
 * Picks the fastest variant: by its median, and only if it beats the default by more
 * than 2 % and by more than both may be off.
 *
 * @param variants The variants, the default among them.
 * @param defaultValue The value of the default.
 * @returns The value of the fastest; the default if none is clearly faster.
 */
export function pickVariant(
  variants: readonly TimedVariant[],
  defaultValue: number,
): number {
  const base = variants.find(({ value }) => value === defaultValue)!;
  const [best] = variants.toSorted((a, b) => median(a.ms) - median(b.ms));
  const gain = 1 - median(best!.ms) / median(base.ms);
  const doubt = Math.max(LEAST_GAIN, noise(best!.ms) + noise(base.ms));
  return gain > doubt ? best!.value : defaultValue;
}

/**
 * The median.
 *
 * @param values The values, at least one.
 * @returns The one in the middle; of an even number the upper one.
 */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/**
 * How far the median may be off: the more values there are, the less.
 *
 * @param values The values, at least one.
 * @returns What the middle half of them spans, over the root of how many there are,
 * as a share of the median.
 */
export function noise(values: readonly number[]): number {
  const span = quantile(values, 0.75) - quantile(values, 0.25);
  return span / Math.sqrt(values.length) / median(values);
}

function quantile(values: readonly number[], share: number): number {
  const at = Math.min(Math.floor(values.length * share), values.length - 1);
  return values.toSorted((a, b) => a - b)[at]!;
}
