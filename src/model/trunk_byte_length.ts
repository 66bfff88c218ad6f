import { padded } from "../ops/padded.ts";
import type { ModelConfig } from "./config.ts";
import { attentionMatrices } from "./matrices.ts";
import type { MatrixReader } from "./weight_reader.ts";

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
