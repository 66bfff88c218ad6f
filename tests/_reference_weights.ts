/** Weights for `reference.ts` out of a checkpoint. */

import { Checkpoint } from "../src/io/checkpoint.ts";
import { parseConfig } from "../src/model/config.ts";
import type { ReferenceLayer, ReferenceWeights } from "./reference.ts";

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
