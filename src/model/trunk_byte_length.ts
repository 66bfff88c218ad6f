import { padded } from "../ops/padded.ts";
import type { ModelConfig } from "./config.ts";
import { attentionMatrices } from "./matrices.ts";
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
  const { numHiddenLayers, numLocalExperts, hiddenSize } = config;
  const attentionWords = Object.values(attentionMatrices(config, 0))
    .map(({ base, shape }) => reader.layout(base, shape, "attn").wordCount)
    .reduce((sum, wordCount) => sum + wordCount, 0);
  const floats = (name: string) =>
    reader.floatLayout(`${name}.weight`, [config.vocabSize, hiddenSize])
      .wordCount;
  const layerWords = attentionWords +
    (2 + numLocalExperts) * padded(hiddenSize); // norms and router
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
