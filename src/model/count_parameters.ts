import type { ModelConfig } from "./config.ts";

/** How many weights a model has. */
export interface ParameterCounts {
  /** All of them. */
  readonly total: number;
  /** Those that a token meets: of the experts only its own. */
  readonly active: number;
  /** Those of all experts. */
  readonly experts: number;
  /** Those of one expert. */
  readonly expert: number;
  /** Those of the attention's matrices. */
  readonly attention: number;
}

/**
 * Counts the weights of a model, as model cards do: with embeddings, output matrix,
 * norms and routers. Mixtral-8x7B has 46.7 and 12.9 thousand millions (arXiv
 * 2401.04088, section 2: "47B" and "13B").
 *
 * @param config What the model is.
 * @returns The counts; of quantized matrices weights count, not codes or scales.
 */
export function countParameters(config: ModelConfig): ParameterCounts {
  const { hiddenSize, intermediateSize, headDim, vocabSize } = config;
  const { numHiddenLayers, numLocalExperts, numExpertsPerTok } = config;
  const { numAttentionHeads, numKeyValueHeads } = config;
  const expert = 3 * hiddenSize * intermediateSize;
  const experts = numHiddenLayers * numLocalExperts * expert;
  const attention = numHiddenLayers * 2 * hiddenSize * headDim *
    (numAttentionHeads + numKeyValueHeads);
  const norms = (2 * numHiddenLayers + 1) * hiddenSize;
  const routers = numHiddenLayers * numLocalExperts * hiddenSize;
  const ends = (config.tieWordEmbeddings ? 1 : 2) * vocabSize * hiddenSize;
  const total = experts + attention + norms + routers + ends;
  const active = total - experts + numHiddenLayers * numExpertsPerTok * expert;
  return { total, active, experts, expert, attention };
}
