/** Weights for `reference.ts` out of a checkpoint, all of them in memory. */

import { Checkpoint } from "../src/io/checkpoint.ts";
import { parseConfig } from "../src/model/config.ts";
import type { ModelConfig } from "../src/model/config.ts";
import type { ReferenceRouting } from "../src/model/plain_math.ts";
import type { PlainReader } from "../src/model/plain_weights.ts";
import { runReference } from "../src/model/reference.ts";

/** Weights of a layer; a matrix W (N, K) is row by row, y (N) = W x (K). */
export interface ReferenceLayer {
  readonly inputNorm: Float32Array; //          (hiddenSize)
  readonly q: Float32Array; //                  (heads * headDim, hiddenSize)
  readonly k: Float32Array; //                  (kvHeads * headDim, hiddenSize)
  readonly v: Float32Array; //                  (kvHeads * headDim, hiddenSize)
  readonly o: Float32Array; //                  (hiddenSize, heads * headDim)
  readonly postAttentionNorm: Float32Array; //  (hiddenSize)
  readonly gate: Float32Array; //               (experts, hiddenSize)
  readonly experts: readonly ReferenceExpert[];
}

/** Weights of an expert. */
export interface ReferenceExpert {
  readonly w1: Float32Array; //  (intermediateSize, hiddenSize)
  readonly w2: Float32Array; //  (hiddenSize, intermediateSize)
  readonly w3: Float32Array; //  (intermediateSize, hiddenSize)
}

/** Weights of a model. */
export interface ReferenceWeights {
  readonly config: ModelConfig;
  readonly embedding: Float32Array; //  (vocabSize, hiddenSize)
  readonly layers: readonly ReferenceLayer[];
  readonly norm: Float32Array; //       (hiddenSize)
  readonly lmHead: Float32Array; //     (vocabSize, hiddenSize)
}

/** A matrix on its way from the checkpoint to the reference. */
export interface MatrixInfo {
  /** Its name without `.weight`. */
  readonly name: string;
  /** Which part of a layer it belongs to. */
  readonly part: "attn" | "experts";
  /** Output rows N and inputs K. */
  readonly shape: readonly [number, number];
}

/** Options for {@linkcode readReferenceWeights}. */
export interface ReadReferenceOptions {
  /** Changes a matrix of a layer, for example by quantizing it and back. */
  readonly transform?: (
    weights: Float32Array,
    info: MatrixInfo,
  ) => Float32Array;
}

/**
 * Reads a model for the reference.
 *
 * @param directory The checkpoint's directory.
 * @param options What to do with matrices.
 * @returns The weights.
 */
export async function readReferenceWeights(
  directory: string,
  { transform = (weights) => weights }: ReadReferenceOptions = {},
): Promise<ReferenceWeights> {
  const path = `${directory}/config.json`;
  const config = parseConfig(JSON.parse(await Deno.readTextFile(path)), path);
  using checkpoint = await Checkpoint.open(directory);
  const floats = (name: string) => checkpoint.readFloat32(`${name}.weight`);
  const matrix = async (name: string, part: MatrixInfo["part"]) => {
    const [N, K] = checkpoint.info(`${name}.weight`).shape;
    return transform(await floats(name), { name, part, shape: [N!, K!] });
  };

  const layers: ReferenceLayer[] = [];
  for (let layer = 0; layer < config.numHiddenLayers; layer++) {
    const base = `model.layers.${layer}`;
    const experts = [];
    for (let id = 0; id < config.numLocalExperts; id++) {
      const name = `${base}.block_sparse_moe.experts.${id}`;
      experts.push({
        w1: await matrix(`${name}.w1`, "experts"),
        w2: await matrix(`${name}.w2`, "experts"),
        w3: await matrix(`${name}.w3`, "experts"),
      });
    }
    layers.push({
      inputNorm: await floats(`${base}.input_layernorm`),
      q: await matrix(`${base}.self_attn.q_proj`, "attn"),
      k: await matrix(`${base}.self_attn.k_proj`, "attn"),
      v: await matrix(`${base}.self_attn.v_proj`, "attn"),
      o: await matrix(`${base}.self_attn.o_proj`, "attn"),
      postAttentionNorm: await floats(`${base}.post_attention_layernorm`),
      gate: await floats(`${base}.block_sparse_moe.gate`),
      experts,
    });
  }
  const embedding = await floats("model.embed_tokens");
  return {
    config,
    embedding,
    layers,
    norm: await floats("model.norm"),
    lmHead: config.tieWordEmbeddings ? embedding : await floats("lm_head"),
  };
}

/**
 * Computes the logits of every position, from an empty cache.
 *
 * @param weights The model.
 * @param ids Token ids (T).
 * @returns The logits (T, vocabSize), and the routings by position and layer.
 */
export async function referenceLogits(
  weights: ReferenceWeights,
  ids: readonly number[],
): Promise<{ logits: Float64Array; routings: ReferenceRouting[][] }> {
  const { config } = weights;
  const pass = await runReference(ids, { config, weights: readerOf(weights) });
  const logits = new Float64Array(ids.length * config.vocabSize);
  for (const [t, row] of pass.logits.entries()) {
    logits.set(row, t * config.vocabSize);
  }
  const routings = ids.map((_, t) => pass.routings.map((layer) => layer[t]!));
  return { logits, routings };
}

/** Finds matrices by the names that they have in checkpoints. */
function readerOf(
  { embedding, layers, norm, lmHead }: ReferenceWeights,
): PlainReader {
  const find = (base: string): Float32Array => {
    const [, index, rest] = /^model\.layers\.(\d+)\.(.*)$/.exec(base) ?? [];
    if (rest === undefined) {
      return {
        "model.embed_tokens": embedding,
        "model.norm": norm,
        "lm_head": lmHead,
      }[base]!;
    }
    const layer = layers[Number(index)]!;
    const [, id, matrix] = /experts\.(\d+)\.(w[123])$/.exec(rest) ?? [];
    if (id !== undefined) {
      return layer.experts[Number(id)]![matrix as keyof ReferenceExpert];
    }
    return {
      "input_layernorm": layer.inputNorm,
      "self_attn.q_proj": layer.q,
      "self_attn.k_proj": layer.k,
      "self_attn.v_proj": layer.v,
      "self_attn.o_proj": layer.o,
      "post_attention_layernorm": layer.postAttentionNorm,
      "block_sparse_moe.gate": layer.gate,
    }[rest]!;
  };
  return {
    readPlain: (base, shape) => {
      const { buffer, byteOffset, byteLength } = find(base);
      const from = buffer as ArrayBuffer; // nobody shares it
      const bytes = new Uint8Array(from, byteOffset, byteLength);
      return Promise.resolve({ shape, dtype: "F32", bytes });
    },
    readFloats: (name) => Promise.resolve(find(name.replace(/\.weight$/, ""))),
  };
}
