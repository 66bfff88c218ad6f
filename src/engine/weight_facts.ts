/** What the weights of a model are like, from their layouts alone. */

import type { ModelConfig } from "../model/config.ts";
import { readExpertLayout } from "../model/upload.ts";
import type { MatrixReader } from "../model/weights.ts";
import type { Scheme } from "../ops/matrix.ts";

/** Bits and sizes of the weights of a model. */
export interface WeightFacts {
  /** Bits of the attention's weights; 16 for floats. */
  readonly attnBits: number;
  /** Bits of the experts' weights; 16 for floats. */
  readonly expertBits: number;
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
  const { hiddenSize, vocabSize, numAttentionHeads, headDim } = config;
  const q = [numAttentionHeads * headDim, hiddenSize] as const;
  const attn = reader.layout("model.layers.0.self_attn.q_proj", q, "attn");
  const embedding = reader.floatLayout("model.embed_tokens.weight", [
    vocabSize,
    hiddenSize,
  ]);
  return {
    attnBits: bitsOf(attn.scheme),
    expertBits: bitsOf(readExpertLayout(reader, config).up.scheme),
    embeddingByteLength: embedding.wordCount * 4,
  };
}

function bitsOf(scheme: Scheme): number {
  return scheme.type === "HQQ" ? scheme.bits : 16;
}
