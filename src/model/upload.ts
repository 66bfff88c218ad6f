/** Weights of a Mixtral checkpoint, onto the GPU. */

import type { Gpu } from "../gpu/device.ts";
import type { Matrix, MatrixLayout } from "../ops/matrix.ts";
import { type ExpertLayout, expertLayout } from "../ops/expert_layout.ts";
import { padded } from "../ops/padded.ts";
import type { ModelConfig } from "./config.ts";
import type { MatrixReader, Part } from "./weights.ts";

/** The weights of one layer, on the GPU. */
export interface LayerWeights {
  /** (hiddenSize) f32. */
  readonly inputNorm: GPUBuffer;
  /** (heads * headDim, hiddenSize). */
  readonly q: Matrix;
  /** (kv heads * headDim, hiddenSize). */
  readonly k: Matrix;
  /** (kv heads * headDim, hiddenSize). */
  readonly v: Matrix;
  /** (hiddenSize, heads * headDim). */
  readonly o: Matrix;
  /** (hiddenSize) f32. */
  readonly postAttentionNorm: GPUBuffer;
  /** The router (numLocalExperts, padded hiddenSize) f32. */
  readonly gate: GPUBuffer;
  /** All experts, one after the other; `null` if they are offloaded. */
  readonly experts: GPUBuffer | null;
}

/** The weights of a model, on the GPU. */
export interface Weights {
  /** What the model is. */
  readonly config: ModelConfig;
  /** (vocabSize, hiddenSize). */
  readonly embedding: Matrix;
  /** By layer. */
  readonly layers: readonly LayerWeights[];
  /** How an expert lies in memory. */
  readonly expertLayout: ExpertLayout;
  /** (hiddenSize) f32. */
  readonly norm: GPUBuffer;
  /** (vocabSize, hiddenSize); the embedding if they are tied. */
  readonly lmHead: Matrix;
}

/** How far loading has come. */
export interface Progress {
  /** What is being done. */
  readonly what: string;
  /** How much is done. */
  readonly done: number;
  /** How much there is. */
  readonly total: number;
}

/**
 * Reads all weights of a checkpoint to the GPU.
 *
 * @param gpu The GPU.
 * @param config What the model is.
 * @param options The reader, the layers whose experts go to the GPU, and who
 * wants to hear of progress.
 * @returns The weights.
 * @throws {Error} If a tensor is missing or of another shape.
 */
export async function uploadWeights(
  gpu: Gpu,
  config: ModelConfig,
  { reader, isResident, onProgress }: {
    reader: MatrixReader;
    isResident: (layer: number) => boolean;
    onProgress?: ((progress: Progress) => void) | undefined;
  },
): Promise<Weights> {
  const { hiddenSize, vocabSize, numHiddenLayers } = config;
  const source = new Uploader(gpu, reader);
  const layout = readExpertLayout(reader, config);
  const embedding = await source.floatMatrix("model.embed_tokens", [
    vocabSize,
    hiddenSize,
  ]);
  const layers: LayerWeights[] = [];
  for (let layer = 0; layer < numHiddenLayers; layer++) {
    onProgress?.({ what: "loading", done: layer, total: numHiddenLayers });
    layers.push(
      await uploadLayer(source, config, {
        layer,
        layout,
        isResident: isResident(layer),
      }),
    );
  }
  onProgress?.({
    what: "loading",
    done: numHiddenLayers,
    total: numHiddenLayers,
  });
  return {
    config,
    embedding,
    layers,
    expertLayout: layout,
    norm: await source.floats("model.norm.weight", [hiddenSize]),
    lmHead: config.tieWordEmbeddings
      ? embedding
      : await source.floatMatrix("lm_head", [vocabSize, hiddenSize]),
  };
}

async function uploadLayer(
  source: Uploader,
  config: ModelConfig,
  { layer, layout, isResident }: {
    layer: number;
    layout: ExpertLayout;
    isResident: boolean;
  },
): Promise<LayerWeights> {
  const { hiddenSize, headDim, numAttentionHeads, numKeyValueHeads } = config;
  const name = `model.layers.${layer}`;
  const qWidth = numAttentionHeads * headDim;
  const kvWidth = numKeyValueHeads * headDim;
  const attn = (suffix: string, shape: readonly [number, number]) =>
    source.matrix(`${name}.self_attn.${suffix}_proj`, shape, "attn");
  return {
    inputNorm: await source.floats(`${name}.input_layernorm.weight`, [
      hiddenSize,
    ]),
    q: await attn("q", [qWidth, hiddenSize]),
    k: await attn("k", [kvWidth, hiddenSize]),
    v: await attn("v", [kvWidth, hiddenSize]),
    o: await attn("o", [hiddenSize, qWidth]),
    postAttentionNorm: await source.floats(
      `${name}.post_attention_layernorm.weight`,
      [hiddenSize],
    ),
    gate: await source.floats(`${name}.block_sparse_moe.gate.weight`, [
      config.numLocalExperts,
      hiddenSize,
    ]),
    experts: isResident ? await source.experts(layout, config, layer) : null,
  };
}

/** Moves tensors from a reader to the GPU. */
class Uploader {
  readonly #gpu: Gpu;
  readonly #reader: MatrixReader;

  constructor(gpu: Gpu, reader: MatrixReader) {
    this.#gpu = gpu;
    this.#reader = reader;
  }

  /** A vector, or the rows of a small matrix, each padded with zeros. */
  async floats(name: string, shape: readonly number[]): Promise<GPUBuffer> {
    const floats = await this.#reader.readFloats(name, shape);
    const width = shape.at(-1)!;
    const stride = padded(width);
    const rows = new Float32Array(floats.length / width * stride);
    for (let row = 0; row * width < floats.length; row++) {
      const from = row * width;
      rows.set(floats.subarray(from, from + width), row * stride);
    }
    const buffer = this.#gpu.storageBuffer(name, rows.byteLength);
    this.#gpu.upload(buffer, new Uint8Array(rows.buffer));
    return buffer;
  }

  async floatMatrix(
    base: string,
    shape: readonly [number, number],
  ): Promise<Matrix> {
    const layout = this.#reader.floatLayout(`${base}.weight`, shape);
    return await this.#upload(base, layout);
  }

  async matrix(
    base: string,
    shape: readonly [number, number],
    part: Part,
  ): Promise<Matrix> {
    return await this.#upload(base, this.#reader.layout(base, shape, part));
  }

  async #upload(base: string, layout: MatrixLayout): Promise<Matrix> {
    const bytes = new Uint8Array(layout.wordCount * 4);
    await this.#reader.write(base, layout, bytes);
    const buffer = this.#gpu.storageBuffer(base, bytes.length);
    this.#gpu.upload(buffer, bytes);
    return { buffer, layout };
  }

  async experts(
    layout: ExpertLayout,
    { numLocalExperts }: ModelConfig,
    layer: number,
  ): Promise<GPUBuffer> {
    const byteLength = layout.wordCount * 4;
    const buffer = this.#gpu.storageBuffer(
      `experts of layer ${layer}`,
      numLocalExperts * byteLength,
    );
    const bytes = new Uint8Array(byteLength);
    for (let expert = 0; expert < numLocalExperts; expert++) {
      await readExpert(this.#reader, layout, { id: { layer, expert }, bytes });
      this.#gpu.upload(buffer, bytes, expert * byteLength);
    }
    return buffer;
  }
}

/**
 * Lays out the experts of a model; all of them lie alike.
 *
 * @param reader The weights.
 * @param config What the model is.
 * @returns The layout.
 */
export function readExpertLayout(
  reader: MatrixReader,
  { hiddenSize, intermediateSize }: ModelConfig,
): ExpertLayout {
  const layoutOf = (matrix: string, N: number, K: number) =>
    reader.layout(
      `${expertName({ layer: 0, expert: 0 })}.${matrix}`,
      [N, K],
      "experts",
    );
  return expertLayout(
    layoutOf("w1", intermediateSize, hiddenSize),
    layoutOf("w2", hiddenSize, intermediateSize),
  );
}

/**
 * Reads an expert, laid out as the kernels read it.
 *
 * @param reader The weights.
 * @param layout How it is to lie.
 * @param options Which expert, and where to: zeros, or another expert.
 */
export async function readExpert(
  reader: MatrixReader,
  layout: ExpertLayout,
  { id, bytes }: {
    id: { readonly layer: number; readonly expert: number };
    bytes: Uint8Array;
  },
): Promise<void> {
  for (
    const [matrix, of] of [
      ["w1", layout.up],
      ["w3", layout.up],
      ["w2", layout.down],
    ] as const
  ) {
    const at = layout.at[matrix] * 4;
    const part = bytes.subarray(at, at + of.wordCount * 4);
    await reader.write(`${expertName(id)}.${matrix}`, of, part);
  }
}

function expertName(
  { layer, expert }: { readonly layer: number; readonly expert: number },
): string {
  return `model.layers.${layer}.block_sparse_moe.experts.${expert}`;
}
