/** The buffers of a Mixtral model that are no weights, and what they take. */

import type { Gpu } from "../gpu/device.ts";
import type { KvBuffers } from "../ops/attention.ts";
import { attentionPartsByteLength } from "../ops/attention_split.ts";
import { type ExpertLayout, makeExpertScratch } from "../ops/expert_layout.ts";
import { makeRouting } from "../ops/moe.ts";
import { makeRows } from "../ops/op.ts";
import { padded } from "../ops/padded.ts";
import { makeStepBuffers } from "../ops/step.ts";
import type { ModelConfig } from "./config.ts";
import { TURN_COUNT, turns } from "./turns.ts";

/** The most rows of logits that are computed at once. */
export const LOGIT_ROWS = 32;

/** Buffers that all layers share. */
export type Shared = ReturnType<typeof makeShared>;

/**
 * Makes the buffers that all layers share.
 *
 * @param gpu The GPU.
 * @param config What the model is.
 * @param options Positions of the KV cache, the most tokens of one step, how an expert
 * lies, and the buffer that the host reads routings from.
 * @returns Rows and tables.
 */
export function makeShared(
  gpu: Gpu,
  config: ModelConfig,
  { contextLength, chunkSize, layout, direct }: {
    contextLength: number;
    chunkSize: number;
    layout: ExpertLayout;
    direct: GPUBuffer | null;
  },
) {
  const { hiddenSize, headDim, numAttentionHeads, numKeyValueHeads } = config;
  const rows = (label: string, width: number) =>
    makeRows(gpu, label, [chunkSize, width]);
  const moe = {
    tokenLimit: chunkSize,
    expertCount: config.numLocalExperts,
    topK: config.numExpertsPerTok,
  };
  return {
    step: makeStepBuffers(gpu, chunkSize),
    x: rows("x", hiddenSize), // the residual stream
    xb: rows("xb", hiddenSize), // x, normalized
    q: rows("q", numAttentionHeads * headDim),
    k: rows("k", numKeyValueHeads * headDim),
    v: rows("v", numKeyValueHeads * headDim),
    // The same of a single token, so that k and v need not wait for q.
    heads: turns((turn) => ({
      q: makeRows(gpu, `q, turn ${turn}`, [1, numAttentionHeads * headDim]),
      k: makeRows(gpu, `k, turn ${turn}`, [1, numKeyValueHeads * headDim]),
      v: makeRows(gpu, `v, turn ${turn}`, [1, numKeyValueHeads * headDim]),
    })),
    a: rows("a", numAttentionHeads * headDim), // what attention gives
    rotated: gpu.storageBuffer(
      "rotated q",
      chunkSize * numAttentionHeads * padded(headDim) * 4,
    ),
    parts: gpu.storageBuffer(
      "parts of attention",
      attentionPartsByteLength(gpu, {
        headDim,
        headCount: numAttentionHeads,
        kvHeadCount: numKeyValueHeads,
      }),
    ),
    angles: gpu.storageBuffer("rope angles", contextLength * headDim * 4),
    routing: makeRouting(gpu, { ...moe, direct }),
    scratch: makeExpertScratch(gpu, {
      ...moe,
      layout,
      hiddenSize,
      intermediateSize: config.intermediateSize,
    }),
  };
}

/**
 * Counts what a model takes on the GPU besides weights, keys and values, and what
 * offloading takes: {@linkcode makeShared}, and logits.
 *
 * @param config What the model is.
 * @param options Positions of the KV cache, and the most tokens of one step.
 * @returns Bytes, but for some small buffers.
 */
export function scratchByteLength(
  config: ModelConfig,
  { contextLength, chunkSize }: { contextLength: number; chunkSize: number },
): number {
  const { hiddenSize, intermediateSize, headDim, vocabSize } = config;
  const { numLocalExperts, numExpertsPerTok } = config;
  const qWidth = config.numAttentionHeads * headDim;
  const kWidth = config.numKeyValueHeads * headDim;
  const rowWords = 2 * padded(hiddenSize) + 3 * padded(qWidth) +
    2 * padded(kWidth) +
    numExpertsPerTok * (2 * padded(intermediateSize) + padded(hiddenSize)) +
    1 + 2 * numExpertsPerTok + numLocalExperts; // id, routing, row lists
  const logitWords = Math.min(chunkSize, LOGIT_ROWS) * padded(vocabSize);
  return 4 *
    (chunkSize * rowWords + contextLength * headDim + logitWords +
      numExpertsPerTok * padded(intermediateSize) + // h of each rank
      TURN_COUNT * (padded(qWidth) + 2 * padded(kWidth))); // of one token
}

/**
 * Counts what the KV cache takes on the GPU.
 *
 * @param config What the model is.
 * @param contextLength Its positions.
 * @returns Bytes.
 */
export function kvByteLength(
  config: ModelConfig,
  contextLength: number,
): number {
  return config.numHiddenLayers * 2 * contextLength * kvWidth(config) * 4;
}

/**
 * Counts the numbers of a position in the keys of a layer, or in its values.
 *
 * @param config What the model is.
 * @returns The count, with the padding of heads.
 */
export function kvWidth(
  { numKeyValueHeads, headDim }: Pick<
    ModelConfig,
    "numKeyValueHeads" | "headDim"
  >,
): number {
  return numKeyValueHeads * padded(headDim);
}

/**
 * Makes the keys and values of a layer, all zero.
 *
 * @param gpu The GPU.
 * @param config What the model is.
 * @param options The layer, and the positions that it has room for.
 * @returns The buffers.
 */
export function makeKvBuffers(
  gpu: Gpu,
  config: ModelConfig,
  { layer, contextLength }: { layer: number; contextLength: number },
): KvBuffers {
  const byteLength = contextLength * kvWidth(config) * 4;
  return {
    k: gpu.storageBuffer(`keys of layer ${layer}`, byteLength),
    v: gpu.storageBuffer(`values of layer ${layer}`, byteLength),
  };
}
