/** What repeated measurements come to. */
export interface MeanDeviation {
  /** The mean. */
  readonly mean: number;
  /** The standard deviation of the sample; `null` for a single value. */
  readonly deviation: number | null;
  /** The measurements, in order. */
  readonly values: readonly number[];
}

/**
 * The mean of measurements, and how far they lie apart: the square root of the
 * sum of squared differences from the mean, divided by one less than their
 * number.
 *
 * @param values At least one.
 * @returns Both, and the values.
 */
export function meanDeviation(values: readonly number[]): MeanDeviation {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const deviation = values.length < 2
    ? null
    : Math.sqrt(squares / (values.length - 1));
  return { mean, deviation, values };
}
