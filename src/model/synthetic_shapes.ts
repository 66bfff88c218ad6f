/** Models that can be made up, by name. */

import { type ModelConfig, parseConfig } from "./config.ts";

/** The name of a model that can be made up. */
export type SyntheticShape = "mixtral-8x7b" | "tiny";

/** Fields of `config.json` that differ from Mixtral's, by the model's name. */
const SHAPES: Readonly<Record<SyntheticShape, Record<string, number>>> = {
  "mixtral-8x7b": { "max_position_embeddings": 32_768 },
  "tiny": {
    "vocab_size": 256,
    "hidden_size": 128,
    "intermediate_size": 256,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 64,
    "max_position_embeddings": 1024,
  },
};

/** All names. */
export const SYNTHETIC_SHAPES: readonly SyntheticShape[] = Object.keys(
  SHAPES,
) as SyntheticShape[];

/**
 * Finds the numbers of a model that can be made up.
 *
 * @param shape Its name.
 * @param fields Fields of `config.json` that are to differ.
 * @returns Its numbers.
 * @throws {RangeError} If there is none of that name, or a field is wrong.
 */
export function syntheticConfig(
  shape: string,
  fields: Readonly<Record<string, unknown>> = {},
): ModelConfig {
  if (!Object.hasOwn(SHAPES, shape)) {
    throw new RangeError(
      `Cannot make up a model: there is no shape ${
        JSON.stringify(shape)
      }, wanted ${SYNTHETIC_SHAPES.join(" or ")}`,
    );
  }
  const json = { "model_type": "mixtral", ...SHAPES[shape as SyntheticShape] };
  return parseConfig({ ...json, ...fields }, `the shape ${shape}`);
}

/**
 * Checks that weights can be made up for a model.
 *
 * @param config What the model is.
 * @throws {RangeError} If they cannot.
 */
export function checkSyntheticConfig(config: ModelConfig): void {
  const { hiddenSize, intermediateSize } = config;
  const { numHiddenLayers, numLocalExperts } = config;
  const qWidth = config.numAttentionHeads * config.headDim;
  for (
    const [name, width] of [
      ["hidden size", hiddenSize],
      ["intermediate size", intermediateSize],
      ["heads' width", qWidth],
    ] as const
  ) {
    if (width % 4 === 0) continue;
    throw new RangeError(
      `Cannot make up a model: its ${name} is ${width}, wanted a multiple of 4`,
    );
  }
  const routingSize = numHiddenLayers * numLocalExperts;
  if (routingSize > hiddenSize / 2) {
    throw new RangeError(
      `Cannot make up a model of ${numHiddenLayers} layers of ${numLocalExperts} experts: routing takes ${routingSize} of its ${hiddenSize} hidden dimensions, wanted at most half of them`,
    );
  }
}
