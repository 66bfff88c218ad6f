/**
 * The checkpoint layout of mixtral-offloading's demo: a file for all that is not
 * of an expert, then one for each expert. Names and numbers only.
 */

import type { TensorSpec } from "../io/tensor_spec.ts";
import { type HqqScheme, matrixLayout } from "../ops/matrix.ts";
import type { ModelConfig } from "./config.ts";
import {
  attentionMatrices,
  expertMatrices,
  expertName,
  type NamedMatrix,
} from "./matrices.ts";
import { type Part, type Quantization, schemeOf } from "./quantization.ts";

/** How the names of a quantized matrix' tensors end. */
const ENDS = {
  codes: "W_q",
  scaleCodes: "meta.scale_q",
  metaScale: "meta.meta_scale.scale",
  metaZero: "meta.meta_scale.zero",
  zeroCodes: "meta.zero_q",
  zeroScale: "meta.meta_zero.scale",
  zeroZero: "meta.meta_zero.zero",
} as const;

/** One of the tensors of a quantized matrix. */
export type HqqTensor = keyof typeof ENDS;

/** A tensor of the checkpoint, by its name in the index. */
export interface OffloadingTensor extends TensorSpec {
  /** The file that it lies in. */
  readonly file: string;
  /** Its name in the file: an expert's own tensors have short ones. */
  readonly nameInFile: string;
  /** What of which matrix it is; `null` for floats. */
  readonly of: {
    readonly key: HqqTensor;
    readonly base: string;
    readonly K: number;
    readonly scheme: HqqScheme;
    readonly metaCount: number;
  } | null;
}

/** Where tensors go, and what they are called there. */
interface Place {
  readonly file: string;
  /** What their names in the file lack. */
  readonly prefix: string;
}

/**
 * Lists all tensors of a model in the layout, in the order of its index.
 *
 * @param config What the model is.
 * @param parts How each part is quantized: to fewer than 16 bits.
 * @returns The tensors; those of a file follow one another.
 * @throws {RangeError} If groups do not fit a matrix.
 */
export function offloadingTensors(
  config: ModelConfig,
  parts: Readonly<Record<Part, Quantization>>,
): OffloadingTensor[] {
  const { numHiddenLayers, numLocalExperts } = config;
  const fileCount = 1 + numHiddenLayers * numLocalExperts;
  const schemes = {
    attn: schemeOf(parts.attn),
    experts: schemeOf(parts.experts),
  };
  const tensors = trunkTensors(config, schemes.attn, {
    file: fileName(0, fileCount),
    prefix: "",
  });
  for (let layer = 0; layer < numHiddenLayers; layer++) {
    for (let expert = 0; expert < numLocalExperts; expert++) {
      const file = fileName(1 + layer * numLocalExperts + expert, fileCount);
      const id = { layer, expert };
      const place = { file, prefix: `${expertName(id)}.` };
      const { w1, w2, w3 } = expertMatrices(config, id);
      for (const matrix of [w1, w2, w3]) {
        tensors.push(...hqqTensors(matrix, schemes.experts, place));
      }
    }
  }
  return tensors;
}

/** Everything but experts; layers begin with their attention. */
function trunkTensors(
  config: ModelConfig,
  scheme: HqqScheme,
  place: Place,
): OffloadingTensor[] {
  const { hiddenSize, vocabSize } = config;
  const floats = (base: string, shape: readonly number[]): OffloadingTensor => {
    const name = `${base}.weight`;
    return {
      name,
      nameInFile: name,
      file: place.file,
      dtype: "F16",
      shape,
      of: null,
    };
  };
  const tensors = [floats("model.embed_tokens", [vocabSize, hiddenSize])];
  for (let layer = 0; layer < config.numHiddenLayers; layer++) {
    const base = `model.layers.${layer}`;
    const { q, k, v, o } = attentionMatrices(config, layer);
    for (const matrix of [q, k, v, o]) {
      tensors.push(...hqqTensors(matrix, scheme, place));
    }
    tensors.push(
      floats(`${base}.block_sparse_moe.gate`, [
        config.numLocalExperts,
        hiddenSize,
      ]),
      floats(`${base}.input_layernorm`, [hiddenSize]),
      floats(`${base}.post_attention_layernorm`, [hiddenSize]),
    );
  }
  tensors.push(floats("model.norm", [hiddenSize]));
  if (!config.tieWordEmbeddings) {
    tensors.push(floats("lm_head", [vocabSize, hiddenSize]));
  }
  return tensors;
}

/** The seven tensors of a matrix, with the shapes of HQQ 0.1.1. */
function hqqTensors(
  { base, shape }: NamedMatrix,
  scheme: HqqScheme,
  place: Place,
): OffloadingTensor[] {
  const { G, P, K, metaCount } = matrixLayout(base, shape, scheme);
  const specs: [HqqTensor, TensorSpec["dtype"], number[]][] = [
    ["codes", scheme.bits === 3 ? "I32" : "U8", [P, G * K]],
    ["scaleCodes", "U8", [G * K / metaCount, metaCount]],
    ["metaScale", "F16", [1, metaCount]],
    ["metaZero", "F16", [1, metaCount]],
    ["zeroCodes", "U8", [1, G * K]],
    ["zeroScale", "F16", []],
    ["zeroZero", "F16", []],
  ];
  return specs.map(([key, dtype, shape]) => {
    const name = `${base}.${ENDS[key]}`;
    return {
      name,
      nameInFile: name.slice(place.prefix.length),
      file: place.file,
      dtype,
      shape,
      of: { key, base, K, scheme, metaCount },
    };
  });
}

function fileName(index: number, count: number): string {
  const number = (value: number) => String(value).padStart(5, "0");
  return `model-${number(index + 1)}-of-${number(count)}.safetensors`;
}
