/**
 * What the headers of mixtral-offloading's checkpoints say, by formula: see
 * `lavawolfiee/Mixtral-8x7B-Instruct-v0.1-offloading-demo` on Hugging Face.
 */

import { type Dtype, tensorByteLength } from "../src/io/tensor_spec.ts";
import type { ModelConfig } from "../src/model/config.ts";
import type { TensorTable } from "../src/model/stored_matrix.ts";

/** A tensor of the checkpoint. */
export interface IndexedTensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** The file that it lies in. */
  readonly file: string;
}

/** How codes of a matrix are stored. */
export interface IndexedGroups {
  readonly bits: 4 | 3 | 2;
  readonly groupSize: number;
  readonly scaleGroupSize: number;
  readonly isCommon?: boolean;
}

/** The demo checkpoint. */
export const DEMO: Record<"attn" | "experts", IndexedGroups> = {
  attn: { bits: 4, groupSize: 64, scaleGroupSize: 256 },
  experts: { bits: 2, groupSize: 16, scaleGroupSize: 128 },
};

/** Its sibling with experts of 3 bits. */
export const SIBLING: typeof DEMO = {
  ...DEMO,
  experts: { bits: 3, groupSize: 64, scaleGroupSize: 128, isCommon: true },
};

/**
 * Lists the tensors of a checkpoint.
 *
 * @param config What the model is.
 * @param groups How its parts are quantized.
 * @returns The tensors by name.
 */
export function offloadingIndex(
  config: ModelConfig,
  groups: typeof DEMO,
): Map<string, IndexedTensor> {
  const { hiddenSize, intermediateSize, vocabSize, headDim } = config;
  const { numHiddenLayers, numLocalExperts } = config;
  const qWidth = config.numAttentionHeads * headDim;
  const kvWidth = config.numKeyValueHeads * headDim;
  const tensors = new Map<string, IndexedTensor>();
  const fileCount = 1 + numHiddenLayers * numLocalExperts;
  let file = "";
  const begin = (index: number) => {
    const number = (n: number) => String(n).padStart(5, "0");
    file = `model-${number(index)}-of-${number(fileCount)}.safetensors`;
  };
  const add = (name: string, dtype: Dtype, ...shape: number[]) =>
    tensors.set(name, { dtype, shape, file });
  const floats = (name: string, ...shape: number[]) =>
    add(`${name}.weight`, "F16", ...shape);
  const matrix = (base: string, part: "attn" | "experts", NK: number[]) => {
    const { bits, groupSize, scaleGroupSize, isCommon } = groups[part];
    const [N, K] = NK as [number, number];
    const perWord = { 4: 2, 3: 10, 2: 4 }[bits];
    const groupCount = N * K / groupSize;
    const metaCount = groupCount / scaleGroupSize;
    const [rows, columns] = isCommon ? [N, K] : [groupSize, groupCount];
    const dtype = bits === 3 ? "I32" : "U8";
    add(`${base}.W_q`, dtype, Math.ceil(rows / perWord), columns);
    add(`${base}.meta.scale_q`, "U8", scaleGroupSize, metaCount);
    add(`${base}.meta.meta_scale.scale`, "F16", 1, metaCount);
    add(`${base}.meta.meta_scale.zero`, "F16", 1, metaCount);
    add(`${base}.meta.zero_q`, "U8", 1, groupCount);
    add(`${base}.meta.meta_zero.scale`, "F16");
    add(`${base}.meta.meta_zero.zero`, "F16");
  };

  begin(1);
  floats("model.embed_tokens", vocabSize, hiddenSize);
  for (let layer = 0; layer < numHiddenLayers; layer++) {
    const base = `model.layers.${layer}`;
    const attn = `${base}.self_attn`;
    matrix(`${attn}.q_proj`, "attn", [qWidth, hiddenSize]);
    matrix(`${attn}.k_proj`, "attn", [kvWidth, hiddenSize]);
    matrix(`${attn}.v_proj`, "attn", [kvWidth, hiddenSize]);
    matrix(`${attn}.o_proj`, "attn", [hiddenSize, qWidth]);
    floats(`${base}.input_layernorm`, hiddenSize);
    floats(`${base}.post_attention_layernorm`, hiddenSize);
    floats(`${base}.block_sparse_moe.gate`, numLocalExperts, hiddenSize);
  }
  floats("model.norm", hiddenSize);
  floats("lm_head", vocabSize, hiddenSize);
  for (let layer = 0; layer < numHiddenLayers; layer++) {
    for (let expert = 0; expert < numLocalExperts; expert++) {
      begin(2 + layer * numLocalExperts + expert);
      const base = `model.layers.${layer}.block_sparse_moe.experts.${expert}`;
      matrix(`${base}.w1`, "experts", [intermediateSize, hiddenSize]);
      matrix(`${base}.w2`, "experts", [hiddenSize, intermediateSize]);
      matrix(`${base}.w3`, "experts", [intermediateSize, hiddenSize]);
    }
  }
  return tensors;
}

/**
 * Makes headers of tensors that nobody has.
 *
 * @param tensors The tensors by name.
 * @returns What a `Checkpoint` would say of them.
 */
export function tableOf(
  tensors: ReadonlyMap<string, Omit<IndexedTensor, "file">>,
): TensorTable {
  return {
    directory: "demo",
    has: (name) => tensors.has(name),
    info(name) {
      const { dtype, shape } = tensors.get(name)!;
      const end = tensorByteLength({ dtype, shape });
      return { name, dtype, shape, begin: 0, end };
    },
  };
}
