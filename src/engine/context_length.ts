/** How long the KV cache is, and how much of it a step fills. */

import type { ModelConfig } from "../model/config.ts";
import type { LoadOptions } from "./load_options.ts";

/** Positions of the KV cache where nobody says. */
const DEFAULT_CONTEXT_LENGTH = 4096;
/** Tokens of a prompt that run at once where nobody says. */
const DEFAULT_CHUNK_SIZE = 512;

/**
 * How many positions the KV cache gets: by default all, but not gigabytes.
 *
 * @param config What the model is.
 * @param options The load options, checked.
 * @returns The positions.
 * @throws {RangeError} If there are more than the model was made for.
 */
export function contextLengthOf(
  config: ModelConfig,
  options: LoadOptions,
): number {
  const { maxPositionEmbeddings } = config;
  const { contextLength } = options;
  if (contextLength === undefined) {
    return Math.min(maxPositionEmbeddings, DEFAULT_CONTEXT_LENGTH);
  }
  if (contextLength > maxPositionEmbeddings) {
    throw new RangeError(
      `Cannot load the model with a context of ${contextLength}: it was made for ${maxPositionEmbeddings} positions, wanted at most that`,
    );
  }
  return contextLength;
}

/**
 * How many tokens of a prompt run at once.
 *
 * @param contextLength Positions of the KV cache.
 * @param options The load options, checked.
 * @returns The most tokens of one step.
 */
export function chunkSizeOf(
  contextLength: number,
  { chunkSize = DEFAULT_CHUNK_SIZE }: LoadOptions,
): number {
  return Math.min(chunkSize, contextLength);
}
