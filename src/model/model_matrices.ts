/** The matrices of a Mixtral that are quantized. */

import type { ModelConfig } from "./config.ts";
import type { Part } from "./weights.ts";

/** A matrix of a part of the model. */
export interface ModelMatrix {
  /** Its tensor's name without `.weight`. */
  readonly base: string;
  /** Output rows N and inputs K. */
  readonly shape: readonly [N: number, K: number];
  /** The part it belongs to. */
  readonly part: Part;
  /** Its layer. */
  readonly layer: number;
}

/**
 * Lists the matrices that are quantized, layer by layer.
 *
 * @param config What the model is.
 * @returns Names and shapes.
 */
export function modelMatrices(config: ModelConfig): ModelMatrix[] {
  const { hiddenSize, headDim, intermediateSize } = config;
  const qWidth = config.numAttentionHeads * headDim;
  const kvWidth = config.numKeyValueHeads * headDim;
  const matrices: ModelMatrix[] = [];
  for (let layer = 0; layer < config.numHiddenLayers; layer++) {
    const add = (part: Part, name: string, N: number, K: number) => {
      const base = `model.layers.${layer}.${name}`;
      matrices.push({ base, shape: [N, K], part, layer });
    };
    add("attn", "self_attn.q_proj", qWidth, hiddenSize);
    add("attn", "self_attn.k_proj", kvWidth, hiddenSize);
    add("attn", "self_attn.v_proj", kvWidth, hiddenSize);
    add("attn", "self_attn.o_proj", hiddenSize, qWidth);
    for (let expert = 0; expert < config.numLocalExperts; expert++) {
      const name = `block_sparse_moe.experts.${expert}`;
      add("experts", `${name}.w1`, intermediateSize, hiddenSize);
      add("experts", `${name}.w2`, hiddenSize, intermediateSize);
      add("experts", `${name}.w3`, intermediateSize, hiddenSize);
    }
  }
  return matrices;
}
