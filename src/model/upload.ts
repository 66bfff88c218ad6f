/** Weights of a Mixtral checkpoint, onto the GPU. */

import type { Gpu } from "../gpu/device.ts";
import { forEachParallel } from "../io/for_each_parallel.ts";
import type { Matrix } from "../ops/matrix.ts";
import { type ExpertLayout, expertLayout } from "../ops/expert_layout.ts";
import type { ModelConfig } from "./config.ts";
import {
  attentionMatrices,
  expertMatrices,
  expertName,
  type NamedMatrix,
} from "./matrices.ts";
import { Uploader } from "./uploader.ts";
import type { MatrixReader } from "./weight_reader.ts";

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
  /** Bytes that are done, where they are counted. */
  readonly doneByteLength?: number;
  /** Bytes that there are, where they are counted. */
  readonly totalByteLength?: number;
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
  const uploader = new Uploader(gpu, reader);
  const expertLayout = readExpertLayout(reader, config);
  const ends = (name: string) =>
    uploader.matrix(
      name,
      reader.floatLayout(`${name}.weight`, [vocabSize, hiddenSize]),
    );
  const embedding = ends("model.embed_tokens");
  // At once after it: it may use the same memory on its way.
  const lmHead = config.tieWordEmbeddings ? embedding : ends("lm_head");
  const layers = Array.from({ length: numHiddenLayers }, (_, layer) => ({
    ...addTrunk(uploader, config, { reader, layer }),
    experts: isResident(layer)
      ? addExperts(gpu, uploader, { reader, config, layer, expertLayout })
      : null,
  }));
  const norm = uploader.floats("model.norm.weight", [hiddenSize]);
  const total = uploader.total;
  await uploader.run((done) =>
    onProgress?.({
      what: "loading",
      done: done.count,
      total: total.count,
      doneByteLength: done.byteLength,
      totalByteLength: total.byteLength,
    })
  );
  return { config, embedding, layers, expertLayout, norm, lmHead };
}

/** All of a layer but its experts. */
function addTrunk(
  uploader: Uploader,
  config: ModelConfig,
  { reader, layer }: { reader: MatrixReader; layer: number },
): Omit<LayerWeights, "experts"> {
  const { hiddenSize } = config;
  const name = `model.layers.${layer}`;
  const attn = attentionMatrices(config, layer);
  const laidOut = ({ base, shape }: NamedMatrix) =>
    [base, reader.layout(base, shape, "attn")] as const;
  const [q, k, v] = uploader.matrices(
    `q, k and v of layer ${layer}`,
    [attn.q, attn.k, attn.v].map(laidOut),
  ) as [Matrix, Matrix, Matrix];
  const norm = (of: string) =>
    uploader.floats(`${name}.${of}_layernorm.weight`, [hiddenSize]);
  return {
    inputNorm: norm("input"),
    q,
    k,
    v,
    o: uploader.matrix(...laidOut(attn.o)),
    postAttentionNorm: norm("post_attention"),
    gate: uploader.floats(`${name}.block_sparse_moe.gate.weight`, [
      config.numLocalExperts,
      hiddenSize,
    ]),
  };
}

/** The experts of a layer, one after the other. */
function addExperts(
  gpu: Gpu,
  uploader: Uploader,
  { reader, config: { numLocalExperts }, layer, expertLayout }: {
    reader: MatrixReader;
    config: ModelConfig;
    layer: number;
    expertLayout: ExpertLayout;
  },
): GPUBuffer {
  const byteLength = expertLayout.wordCount * 4;
  const buffer = gpu.storageBuffer(
    `experts of layer ${layer}`,
    numLocalExperts * byteLength,
  );
  for (let expert = 0; expert < numLocalExperts; expert++) {
    const byteOffset = expert * byteLength;
    uploader.bytes(
      { buffer, byteOffset, byteLength, kind: "expert" },
      (bytes) =>
        readExpert(reader, expertLayout, { id: { layer, expert }, bytes }),
    );
  }
  return buffer;
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
  config: ModelConfig,
): ExpertLayout {
  const { w1, w2 } = expertMatrices(config, { layer: 0, expert: 0 });
  return expertLayout(
    reader.layout(w1.base, w1.shape, "experts"),
    reader.layout(w2.base, w2.shape, "experts"),
  );
}

/** Matrices of an expert. */
const EXPERT_MATRIX_COUNT = 3;

/**
 * Says how many experts may be read at the same time.
 *
 * @param reader The weights.
 * @returns The number; `undefined` if it does not matter to the reader.
 */
export function expertReadLimit(
  { parallelReadCount }: MatrixReader,
): number | undefined {
  if (parallelReadCount === undefined) return undefined;
  return Math.max(1, Math.floor(parallelReadCount / EXPERT_MATRIX_COUNT));
}

/**
 * Reads an expert, laid out as the kernels read it.
 *
 * @param reader The weights.
 * @param layout How it is to lie.
 * @param options Which expert, and where to: zeros, or another expert.
 * @throws {Error} If it cannot be read; nothing is written after that.
 */
export async function readExpert(
  reader: MatrixReader,
  layout: ExpertLayout,
  { id, bytes }: {
    id: { readonly layer: number; readonly expert: number };
    bytes: Uint8Array;
  },
): Promise<void> {
  const matrices = [
    ["w1", layout.up],
    ["w3", layout.up],
    ["w2", layout.down],
  ] as const;
  await forEachParallel(matrices, {
    limit: reader.parallelReadCount ?? matrices.length,
    run([matrix, of]) {
      const at = layout.at[matrix] * 4;
      const part = bytes.subarray(at, at + of.wordCount * 4);
      return reader.write(`${expertName(id)}.${matrix}`, of, part);
    },
  });
}
