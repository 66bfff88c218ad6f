/** The largest float32. */
const MOST = 3.4028234663852886e38;

/**
 * Keeps a logit that was changed within float32: the largest of biases and
 * penalties would make infinities, which look like those of a broken model.
 *
 * @param logit What a finite logit came to, in float64.
 * @returns The nearest finite float32.
 */
export function clampLogit(logit: number): number {
  return Math.max(-MOST, Math.min(logit, MOST));
}
