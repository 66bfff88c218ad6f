/** The matrices of a model that may be quantized: their names and shapes. */

import type { ModelConfig } from "./config.ts";
import type { Part } from "./quantization.ts";

/** A matrix W (N, K). */
export interface NamedMatrix {
  /** The name of its tensors in a checkpoint, without their ends. */
  readonly base: string;
  /** Output rows N and inputs K. */
  readonly shape: readonly [N: number, K: number];
}

/**
 * Names the matrices of a layer's attention.
 *
 * @param config What the model is.
 * @param layer The layer.
 * @returns Their names and shapes.
 */
export function attentionMatrices(
  config: ModelConfig,
  layer: number,
): Record<"q" | "k" | "v" | "o", NamedMatrix> {
  const { hiddenSize, headDim } = config;
  const qWidth = config.numAttentionHeads * headDim;
  const kvWidth = config.numKeyValueHeads * headDim;
  const named = (matrix: string, ...shape: [number, number]) => ({
    base: `model.layers.${layer}.self_attn.${matrix}_proj`,
    shape,
  });
  return {
    q: named("q", qWidth, hiddenSize),
    k: named("k", kvWidth, hiddenSize),
    v: named("v", kvWidth, hiddenSize),
    o: named("o", hiddenSize, qWidth),
  };
}

/**
 * Names the matrices of an expert.
 *
 * @param config What the model is.
 * @param id The expert.
 * @returns Their names and shapes.
 */
export function expertMatrices(
  { hiddenSize, intermediateSize }: ModelConfig,
  id: { readonly layer: number; readonly expert: number },
): Record<"w1" | "w2" | "w3", NamedMatrix> {
  const named = (matrix: string, ...shape: [number, number]) => ({
    base: `${expertName(id)}.${matrix}`,
    shape,
  });
  return {
    w1: named("w1", intermediateSize, hiddenSize),
    w2: named("w2", hiddenSize, intermediateSize),
    w3: named("w3", intermediateSize, hiddenSize),
  };
}

/**
 * Names an expert.
 *
 * @param id The expert.
 * @returns What the names of its matrices begin with, before a dot.
 */
export function expertName(
  { layer, expert }: { readonly layer: number; readonly expert: number },
): string {
  return `model.layers.${layer}.block_sparse_moe.experts.${expert}`;
}

/**
 * Names the matrices of a part, layer by layer.
 *
 * @param config What the model is.
 * @param part The part.
 * @returns Their names and shapes: of attention q, k, v and o; of experts W1, W3
 * and W2, as they lie in memory.
 */
export function* matricesOf(
  config: ModelConfig,
  part: Part,
): Generator<NamedMatrix, void> {
  for (let layer = 0; layer < config.numHiddenLayers; layer++) {
    if (part === "attn") {
      const { q, k, v, o } = attentionMatrices(config, layer);
      yield* [q, k, v, o];
      continue;
    }
    for (let expert = 0; expert < config.numLocalExperts; expert++) {
      const { w1, w2, w3 } = expertMatrices(config, { layer, expert });
      yield* [w1, w3, w2];
    }
  }
}

/**
 * Names the first matrix of a part, by which we judge the others.
 *
 * @param config What the model is.
 * @param part The part.
 * @returns Its name and shape.
 */
export function firstMatrixOf(config: ModelConfig, part: Part): NamedMatrix {
  return matricesOf(config, part).next().value as NamedMatrix;
}
