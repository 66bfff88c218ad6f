import type { ModelConfig } from "../model/config.ts";

/**
 * Checks that a model can see a window of a text.
 *
 * @param config What the model is.
 * @param windowLength Tokens of a window.
 * @throws {RangeError} If it was made for less.
 */
export function checkWindow(
  { maxPositionEmbeddings }: ModelConfig,
  windowLength: number,
): void {
  if (windowLength <= maxPositionEmbeddings) return;
  throw new RangeError(
    `Cannot run windows of ${windowLength} tokens: the model was made for ${maxPositionEmbeddings} positions, wanted windows of at most that`,
  );
}
