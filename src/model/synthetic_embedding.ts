/**
 * Embeddings, gates and output rows that make a model route as a trace says.
 *
 * Dimension `layer * expertCount + e` of the residual stream holds how much a
 * token wants expert e of that layer. The embedding sets it, gates read it, and
 * what layers add is too small to change an order. The other dimensions are
 * random. So token id t routes as token t of the trace, whatever its context.
 *
 * The output row of token t + 1 is the random part of the embedding of token t:
 * the most probable token is the next of the trace.
 */

import { numberToHalf } from "hqq-ts";
import type { RoutingTrace } from "../offload/routing_trace.ts";
import type { ModelConfig } from "./config.ts";
import { cut, cutStart, type Pools } from "./synthetic_pool.ts";

/**
 * The standard deviation of an embedding, and the least difference between the
 * wishes for two ranks. Layers add about 1/4 each.
 */
const EMBEDDING_SIZE = 64;

/** A wish of one rank more adds this to the router's logit, about. */
const GATE_SIZE = 0.5;

/** The logit of the next token, about; others are around 0. */
const NEXT_TOKEN_LOGIT = 32;

/** Different wishes for experts that are not chosen. */
const LOW_WISH_COUNT = 16;

/** What embeddings are made of. */
export interface TokenRows {
  /** What the model is. */
  readonly config: ModelConfig;
  /** How it is to route; token ids beyond its length begin anew. */
  readonly routing: RoutingTrace;
  /** Random numbers. */
  readonly pools: Pools;
}

/**
 * Writes the embedding.
 *
 * @param rows What it is made of.
 * @param into Where to: (vocabSize, hiddenSize) float16.
 */
export function writeEmbedding(rows: TokenRows, into: Uint16Array): void {
  const { config, routing, pools } = rows;
  const { vocabSize, hiddenSize, numLocalExperts, numExpertsPerTok } = config;
  const pool = pools.halves(EMBEDDING_SIZE);
  const { codes } = pools;
  const high = Array.from(
    { length: numExpertsPerTok },
    (_, rank) => numberToHalf((numExpertsPerTok - rank) * EMBEDDING_SIZE),
  );
  const low = Array.from(
    { length: LOW_WISH_COUNT },
    (_, i) => numberToHalf(-i / LOW_WISH_COUNT * EMBEDDING_SIZE),
  );
  const routingSize = config.numHiddenLayers * numLocalExperts;
  for (let token = 0; token < vocabSize; token++) {
    const row = into.subarray(token * hiddenSize, (token + 1) * hiddenSize);
    cut(pool, rowStart(token), row);
    for (let i = 0; i < routingSize; i++) {
      const random = codes[(token * routingSize + i) % codes.length]!;
      row[i] = low[random % LOW_WISH_COUNT]!;
    }
    const at = token % routing.tokenCount * config.numHiddenLayers;
    for (let layer = 0; layer < config.numHiddenLayers; layer++) {
      for (let rank = 0; rank < numExpertsPerTok; rank++) {
        const place = (at + layer) * numExpertsPerTok + rank;
        const expert = routing.experts[place]!;
        row[layer * numLocalExperts + expert] = high[rank]!;
      }
    }
  }
}

/**
 * Writes the output matrix.
 *
 * @param rows What it is made of.
 * @param into Where to: (vocabSize, hiddenSize) float16.
 */
export function writeLmHead(rows: TokenRows, into: Uint16Array): void {
  const { config, pools } = rows;
  const { vocabSize, hiddenSize } = config;
  const pool = pools.halves(NEXT_TOKEN_LOGIT / hiddenSize);
  const routingSize = config.numHiddenLayers * config.numLocalExperts;
  for (let token = 0; token < vocabSize; token++) {
    const next = (token + 1) % vocabSize;
    const row = into.subarray(next * hiddenSize, (next + 1) * hiddenSize);
    cut(pool, rowStart(token), row);
    row.fill(0, 0, routingSize); // who is routed alike is not alike
  }
}

/**
 * Makes the router of a layer.
 *
 * @param config What the model is.
 * @param layer The layer.
 * @returns The gate (numLocalExperts, hiddenSize).
 */
export function makeGate(
  { numLocalExperts, hiddenSize }: ModelConfig,
  layer: number,
): Float32Array<ArrayBuffer> {
  const gate = new Float32Array(numLocalExperts * hiddenSize);
  for (let expert = 0; expert < numLocalExperts; expert++) {
    gate[expert * hiddenSize + layer * numLocalExperts + expert] = GATE_SIZE;
  }
  return gate;
}

/** Each token's own; two tokens overlap, but not element by element. */
function rowStart(token: number): number {
  return cutStart("model.embed_tokens") + token * 40_503;
}
