import type { ModelConfig } from "./config.ts";
import { matricesOf } from "./matrices.ts";

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
  /** In the matrices of one expert. */
  readonly expert: number;
  /** Those that a token meets: of the experts only its own. */
  readonly active: number;
}

/**
 * Counts the parameters of a Mixtral model, as model cards do. Mixtral-8x7B has 46.7
 * and 12.9 thousand millions (arXiv 2401.04088, section 2: "47B" and "13B").
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
  const expert = experts / (numHiddenLayers * numLocalExperts);
  const total = attn + experts + others;
  const unused = numLocalExperts - config.numExpertsPerTok;
  const active = total - numHiddenLayers * unused * expert;
  return { attn, experts, others, total, expert, active };
}
