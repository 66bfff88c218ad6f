import type { ModelConfig } from "./config.ts";
import { matricesOf } from "./stored_layout.ts";

/** How many parameters a model has, and where. */
export interface ParameterCounts {
  /** In the matrices of the attention. */
  readonly attn: number;
  /** In the matrices of the experts. */
  readonly experts: number;
  /** In embedding, head, routers and norms. */
  readonly others: number;
  /** All together. */
  readonly total: number;
}

/**
 * Counts the parameters of a Mixtral model.
 *
 * @param config What it is.
 * @returns How many there are.
 */
export function countParameters(config: ModelConfig): ParameterCounts {
  const { hiddenSize, vocabSize, numHiddenLayers, numLocalExperts } = config;
  const countOf = (part: "attn" | "experts") =>
    matricesOf(config, part)
      .map(({ shape: [N, K] }) => N * K)
      .reduce((sum, count) => sum + count, 0);
  const attn = countOf("attn");
  const experts = countOf("experts");
  const layer = (2 + numLocalExperts) * hiddenSize; // norms and router
  const ends = (config.tieWordEmbeddings ? 1 : 2) * vocabSize * hiddenSize;
  const others = numHiddenLayers * layer + ends + hiddenSize;
  return { attn, experts, others, total: attn + experts + others };
}
