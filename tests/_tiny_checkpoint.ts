/** Random Mixtral checkpoints of a few kilobytes. */

import { fromFileUrl } from "@std/path";
import { encodeFloats, type FloatDtype } from "../src/io/float.ts";
import {
  type TensorSource,
  writeSafetensors,
} from "../src/io/safetensors_writer.ts";
import type { Dtype } from "../src/io/tensor_spec.ts";
import { Random } from "./_random.ts";

/** The bundled model, whose tokenizer tiny checkpoints borrow. */
export const STORIES = fromFileUrl(
  new URL("../models/stories-17m", import.meta.url),
);

const TOKENIZER_FILES = ["tokenizer.json", "tokenizer_config.json"];

/** `config.json` of a tiny model; tests change what they are about. */
export const TINY_CONFIG = {
  "model_type": "mixtral",
  "vocab_size": 61,
  "hidden_size": 32,
  "intermediate_size": 48,
  "num_hidden_layers": 2,
  "num_attention_heads": 4,
  "num_key_value_heads": 2,
  "num_local_experts": 4,
  "num_experts_per_tok": 2,
  "max_position_embeddings": 128,
  "rms_norm_eps": 1e-5,
  "rope_theta": 10_000,
  "tie_word_embeddings": false,
  "sliding_window": null as number | null,
};

/** What to make. */
export interface TinyOptions {
  /** Fields of `config.json` that differ from {@linkcode TINY_CONFIG}. */
  readonly config?: Readonly<Record<string, unknown>>;
  /**
   * The type of all tensors.
   *
   * @default {"F32"}
   */
  readonly dtype?: Exclude<FloatDtype, "F64">;
  /**
   * How many files the tensors lie in; more than one make an index.
   *
   * @default {1}
   */
  readonly shardCount?: number;
  /**
   * Where the random numbers begin.
   *
   * @default {1}
   */
  readonly seed?: number;
  /** What to change before it is written. */
  readonly harm?: (tensors: TensorSource[]) => TensorSource[];
}

/** A directory that goes away at the end of its block. */
export interface TempDirectory extends Disposable {
  /** Where it is. */
  readonly path: string;
}

/**
 * Makes a temporary directory.
 *
 * @returns The directory, empty.
 */
export function tempDirectory(): TempDirectory {
  const path = Deno.makeTempDirSync({ prefix: "moeno-test-" });
  return {
    path,
    [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }),
  };
}

/**
 * Writes a model with seeded random weights, the tokenizer of the bundled model
 * with it: its ids are others, but its files are whole.
 *
 * @param options What to make.
 * @returns The directory.
 */
export async function tinyCheckpoint(
  options: TinyOptions = {},
): Promise<TempDirectory> {
  const { dtype = "F32", shardCount = 1, seed = 1 } = options;
  const { harm = (tensors) => tensors } = options;
  const directory = tempDirectory();
  const { path } = directory;
  const config = { ...TINY_CONFIG, ...options.config };
  await Deno.writeTextFile(`${path}/config.json`, JSON.stringify(config));
  for (const file of TOKENIZER_FILES) {
    await Deno.copyFile(`${STORIES}/${file}`, `${path}/${file}`);
  }
  const random = new Random(seed);
  const tensors = harm(tinyTensors(config, { dtype, random }));
  if (shardCount === 1) {
    await writeSafetensors(`${path}/model.safetensors`, tensors);
    return directory;
  }
  const weightMap: Record<string, string> = {};
  for (let shard = 0; shard < shardCount; shard++) {
    const file = `model-${shard + 1}-of-${shardCount}.safetensors`;
    // Dealt like cards, so that an expert's matrices lie in different files.
    const own = tensors.filter((_, i) => i % shardCount === shard);
    for (const { name } of own) weightMap[name] = file;
    await writeSafetensors(`${path}/${file}`, own);
  }
  await Deno.writeTextFile(
    `${path}/model.safetensors.index.json`,
    JSON.stringify({ metadata: {}, "weight_map": weightMap }),
  );
  return directory;
}

/**
 * Copies a model that has no tokenizer, and gives it that of the bundled one.
 *
 * @param directory The model.
 * @returns The copy.
 */
export async function withTokenizer(
  directory: string,
): Promise<TempDirectory> {
  const copy = tempDirectory();
  for await (const { name } of Deno.readDir(directory)) {
    await Deno.copyFile(`${directory}/${name}`, `${copy.path}/${name}`);
  }
  // Every *.safetensors file would count as weights.
  await Deno.remove(`${copy.path}/expected.safetensors`);
  for (const file of TOKENIZER_FILES) {
    await Deno.copyFile(`${STORIES}/${file}`, `${copy.path}/${file}`);
  }
  return copy;
}

/** Names and shapes as Hugging Face's `MixtralForCausalLM` writes them. */
function tinyTensors(
  config: typeof TINY_CONFIG & { head_dim?: number },
  { dtype, random }: { dtype: Dtype & FloatDtype; random: Random },
): TensorSource[] {
  const { hidden_size: width, intermediate_size: inner } = config;
  const headDim = config.head_dim ?? width / config.num_attention_heads;
  const qWidth = config.num_attention_heads * headDim;
  const kvWidth = config.num_key_value_heads * headDim;
  const tensors: TensorSource[] = [];
  const add = (name: string, shape: readonly number[], values: Float32Array) =>
    tensors.push({
      name: `${name}.weight`,
      dtype,
      shape,
      bytes: encodeFloats(values, dtype),
    });
  // Products keep the size of their input, so that every part of a layer counts.
  const matrix = (name: string, N: number, K: number) =>
    add(name, [N, K], random.normal(N * K, 1 / Math.sqrt(K)));
  const norm = (name: string) =>
    add(name, [width], random.normal(width, 0.3).map((v) => 1 + v));

  matrix("model.embed_tokens", config.vocab_size, width);
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const base = `model.layers.${layer}`;
    norm(`${base}.input_layernorm`);
    matrix(`${base}.self_attn.q_proj`, qWidth, width);
    matrix(`${base}.self_attn.k_proj`, kvWidth, width);
    matrix(`${base}.self_attn.v_proj`, kvWidth, width);
    matrix(`${base}.self_attn.o_proj`, width, qWidth);
    norm(`${base}.post_attention_layernorm`);
    const moe = `${base}.block_sparse_moe`;
    matrix(`${moe}.gate`, config.num_local_experts, width);
    for (let id = 0; id < config.num_local_experts; id++) {
      matrix(`${moe}.experts.${id}.w1`, inner, width);
      matrix(`${moe}.experts.${id}.w2`, width, inner);
      matrix(`${moe}.experts.${id}.w3`, inner, width);
    }
  }
  norm("model.norm");
  if (!config.tie_word_embeddings) {
    matrix("lm_head", config.vocab_size, width);
  }
  return tensors;
}
