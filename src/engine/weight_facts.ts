/** What the weights of a model are like, from their layouts alone. */

import type { ModelConfig } from "../model/config.ts";
import type { MatrixReader } from "../model/weight_reader.ts";
import { bitsOf, type BitsPair } from "./bits_pair.ts";

/** Bits and sizes of the weights of a model. */
export interface WeightFacts extends BitsPair {
  /** Bytes of the embedding. */
  readonly embeddingByteLength: number;
}

/**
 * Looks at the layouts of a model's weights.
 *
 * @param config What the model is.
 * @param reader Its weights.
 * @returns Bits and sizes.
 */
export function weightFacts(
  config: ModelConfig,
  reader: MatrixReader,
): WeightFacts {
  const { hiddenSize, vocabSize } = config;
  const embedding = reader.floatLayout("model.embed_tokens.weight", [
    vocabSize,
    hiddenSize,
  ]);
  return {
    ...bitsOf(reader, config),
    embeddingByteLength: embedding.wordCount * 4,
  };
}
