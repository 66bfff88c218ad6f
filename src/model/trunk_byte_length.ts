import { padded } from "../ops/padded.ts";
import type { ModelConfig } from "./config.ts";
import type { MatrixReader } from "./weights.ts";

/**
 * Counts what the weights that are no experts take on the GPU: attention, norms,
 * routers, embedding and output matrix.
 *
 * @param reader The weights; only their layouts are asked for.
 * @param config What the model is.
 * @returns Bytes.
 */
export function trunkByteLength(
  reader: MatrixReader,
  config: ModelConfig,
): number {
  const { numHiddenLayers, numLocalExperts, hiddenSize, headDim } = config;
  const qWidth = config.numAttentionHeads * headDim;
  const kvWidth = config.numKeyValueHeads * headDim;
  const attn = (suffix: string, N: number, K: number) =>
    reader.layout(`model.layers.0.self_attn.${suffix}_proj`, [N, K], "attn")
      .wordCount;
  const floats = (name: string) =>
    reader.floatLayout(`${name}.weight`, [config.vocabSize, hiddenSize])
      .wordCount;
  const layerWords = attn("q", qWidth, hiddenSize) +
    attn("k", kvWidth, hiddenSize) + attn("v", kvWidth, hiddenSize) +
    attn("o", hiddenSize, qWidth) + (2 + numLocalExperts) * padded(hiddenSize);
  const words = numHiddenLayers * layerWords + padded(hiddenSize) +
    floats("model.embed_tokens") +
    (config.tieWordEmbeddings ? 0 : floats("lm_head"));
  return words * 4;
}

/**
 * Counts what the KV cache takes on the GPU.
 *
 * @param config What the model is.
 * @param contextLength Its positions.
 * @returns Bytes.
 */
export function kvByteLength(
  { numHiddenLayers, numKeyValueHeads, headDim }: ModelConfig,
  contextLength: number,
): number {
  return numHiddenLayers * 2 * contextLength * numKeyValueHeads *
    padded(headDim) * 4;
}
