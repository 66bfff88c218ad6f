/** `config.json` of a model, checked on entry. */

import { showJson } from "../io/show_json.ts";
import {
  ALL_EXPERTS_LIMIT,
  EXPERT_LIMIT,
  LAYER_LIMIT,
} from "../offload/shape_limits.ts";

/** What the forward pass needs to know; names as in `config.json`. */
export interface ModelConfig {
  /** The family: `mixtral`. */
  readonly modelType: "mixtral";
  /** Tokens of the vocabulary. */
  readonly vocabSize: number;
  /** Width of the residual stream. */
  readonly hiddenSize: number;
  /** Width of an expert. */
  readonly intermediateSize: number;
  /** Layers. */
  readonly numHiddenLayers: number;
  /** Query heads. */
  readonly numAttentionHeads: number;
  /** Key and value heads. */
  readonly numKeyValueHeads: number;
  /** Elements of a head. */
  readonly headDim: number;
  /** Experts of a layer. */
  readonly numLocalExperts: number;
  /** Experts of a token. */
  readonly numExpertsPerTok: number;
  /** Positions the model was made for. */
  readonly maxPositionEmbeddings: number;
  /** Positions a token sees, its own included; `null` for all. */
  readonly slidingWindow: number | null;
  /** Base of the rotary frequencies. */
  readonly ropeTheta: number;
  /** Added to the mean square in RMSNorm. */
  readonly rmsNormEps: number;
  /** Whether the output matrix is the embedding. */
  readonly tieWordEmbeddings: boolean;
}

/** Largest count we believe, so that a broken file cannot ask for terabytes. */
const COUNT_LIMIT = 2 ** 24;

/** Several times the heads that models have. */
const HEAD_LIMIT = 4096;

/**
 * Reads `config.json`. Missing fields get the defaults of Hugging Face's
 * `MixtralConfig` (transformers, `configuration_mixtral.py`).
 *
 * @param json The parsed file.
 * @param file What errors call it.
 * @returns The config.
 * @throws {TypeError} If a field has the wrong type.
 * @throws {RangeError} If a value makes no model we can run.
 */
export function parseConfig(json: unknown, file: string): ModelConfig {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new TypeError(`Cannot read ${file}: it is no JSON object`);
  }
  const fields = json as Record<string, unknown>;
  const fail = (state: string) => {
    throw new RangeError(`Cannot load a model from ${file}: ${state}`);
  };
  if (fields.model_type !== "mixtral") {
    fail(`model_type is ${showJson(fields.model_type)}, wanted "mixtral"`);
  }
  const read = (name: string, fallback: unknown) => fields[name] ?? fallback;
  const number = (name: string, value: unknown): number => {
    if (typeof value !== "number" || !(value > 0) || !isFinite(value)) {
      throw new TypeError(
        `Cannot load a model from ${file}: ${name} is ${
          showJson(value)
        }, wanted a positive number`,
      );
    }
    return value;
  };
  const count = (
    name: string,
    fallback?: number,
    limit = COUNT_LIMIT,
  ): number => {
    const value = number(name, read(name, fallback));
    if (!Number.isInteger(value) || value > limit) {
      fail(`${name} is ${value}, wanted a whole number up to ${limit}`);
    }
    return value;
  };

  const hiddenSize = count("hidden_size", 4096);
  const numAttentionHeads = count("num_attention_heads", 32, HEAD_LIMIT);
  const config: ModelConfig = {
    modelType: "mixtral",
    vocabSize: count("vocab_size", 32_000),
    hiddenSize,
    intermediateSize: count("intermediate_size", 14_336),
    numHiddenLayers: count("num_hidden_layers", 32, LAYER_LIMIT),
    numAttentionHeads,
    numKeyValueHeads: count("num_key_value_heads", 8, HEAD_LIMIT),
    headDim: count("head_dim", hiddenSize / numAttentionHeads),
    numLocalExperts: count("num_local_experts", 8, EXPERT_LIMIT),
    numExpertsPerTok: count("num_experts_per_tok", 2),
    maxPositionEmbeddings: count("max_position_embeddings", 131_072),
    slidingWindow: fields.sliding_window == null
      ? null
      : count("sliding_window"),
    ropeTheta: ropeTheta(fields, number, fail),
    rmsNormEps: number("rms_norm_eps", read("rms_norm_eps", 1e-5)),
    tieWordEmbeddings: read("tie_word_embeddings", false) === true,
  };

  const act = read("hidden_act", "silu");
  if (act !== "silu") fail(`hidden_act is ${showJson(act)}, wanted "silu"`);
  const { numKeyValueHeads, headDim, numExpertsPerTok, numLocalExperts } =
    config;
  if (numAttentionHeads % numKeyValueHeads !== 0) {
    fail(
      `num_attention_heads is ${numAttentionHeads}, wanted a multiple of num_key_value_heads, ${numKeyValueHeads}`,
    );
  }
  if (headDim % 2 !== 0) {
    fail(`head_dim is ${headDim}, wanted an even number for rotary positions`);
  }
  const expertCount = config.numHiddenLayers * numLocalExperts;
  if (expertCount > ALL_EXPERTS_LIMIT) {
    fail(
      `num_hidden_layers times num_local_experts is ${expertCount}, wanted at most ${ALL_EXPERTS_LIMIT}`,
    );
  }
  if (numExpertsPerTok > numLocalExperts) {
    fail(
      `num_experts_per_tok is ${numExpertsPerTok}, wanted at most num_local_experts, ${numLocalExperts}`,
    );
  }
  return config;
}

/** `rope_theta`, or `rope_parameters.rope_theta` as transformers 5 writes it. */
function ropeTheta(
  fields: Record<string, unknown>,
  number: (name: string, value: unknown) => number,
  fail: (state: string) => void,
): number {
  const nested =
    (fields.rope_parameters ?? fields.rope_scaling ?? {}) as Record<
      string,
      unknown
    >;
  const type = nested.rope_type ?? nested.type ?? "default";
  if (type !== "default") {
    fail(
      `the rotary positions are of type ${showJson(type)}, wanted "default"`,
    );
  }
  return number(
    "rope_theta",
    nested.rope_theta ?? fields.rope_theta ?? 1_000_000,
  );
}
