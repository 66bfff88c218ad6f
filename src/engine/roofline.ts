/** How fast a model could be at most, from what it has to move. */

import type { ModelConfig } from "../model/config.ts";

/** What a token of a run makes the machine move, and how fast it does. */
export interface RooflineInput {
  /** Experts that were not in a slot when they were chosen, a token. */
  readonly missesPerToken: number;
  /** Bytes of an expert. */
  readonly expertByteLength: number;
  /**
   * Bytes of VRAM that a token reads: weights that are no experts, the experts
   * that it chooses, and the keys and values that it sees.
   */
  readonly activeByteLength: number;
  /** The rate of the link, 10^9 bytes a second; `null` if it is not used. */
  readonly linkGigabytesPerSecond: number | null;
  /** The rate of VRAM, 10^9 bytes a second. */
  readonly vramGigabytesPerSecond: number;
}

/** The limits of a run. */
export interface Roofline {
  /** Milliseconds that a token's missing experts take over the link. */
  readonly linkMs: number;
  /** Milliseconds that a token's bytes take out of VRAM. */
  readonly vramMs: number;
  /** Tokens a second that the slower of both allows. */
  readonly tokensPerSecond: number;
}

/**
 * The limits of a run: `misses x expert bytes / link rate`, and
 * `active bytes / VRAM rate`.
 *
 * It assumes that copies run beside compute, so that the longer of both times
 * counts, not their sum, and that nothing else takes time: no decision of the
 * host, no arithmetic, no launch of a kernel. What a copy writes to VRAM is not
 * counted; nor are experts that were moved ahead in vain.
 *
 * @example
 * ```ts
 * import { roofline } from "../../mod.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const { linkMs, vramMs, tokensPerSecond } = roofline({
 *   missesPerToken: 10,
 *   expertByteLength: 70e6,
 *   activeByteLength: 6e9,
 *   linkGigabytesPerSecond: 50,
 *   vramGigabytesPerSecond: 3000,
 * });
 * assertEquals([linkMs, vramMs], [14, 2]);
 * assertEquals(tokensPerSecond, 1000 / 14);
 * ```
 *
 * @param input What a token moves, and the rates.
 * @returns Both times, and the speed that the longer one allows.
 */
export function roofline(input: RooflineInput): Roofline {
  const { linkGigabytesPerSecond, vramGigabytesPerSecond } = input;
  const linkMs = linkGigabytesPerSecond === null ? 0 : milliseconds(
    input.missesPerToken * input.expertByteLength,
    linkGigabytesPerSecond,
  );
  const vramMs = milliseconds(input.activeByteLength, vramGigabytesPerSecond);
  return { linkMs, vramMs, tokensPerSecond: 1000 / Math.max(linkMs, vramMs) };
}

/** The parts of a model by size, and where a generation runs in its context. */
export interface ActiveBytes {
  /** Bytes of all weights but the experts, as planned. */
  readonly trunkByteLength: number;
  /** Bytes of the embedding. */
  readonly embeddingByteLength: number;
  /** Bytes of an expert. */
  readonly expertByteLength: number;
  /** Bytes of the KV cache of one position, all layers together. */
  readonly positionByteLength: number;
  /** The position of the first token that is run. */
  readonly firstPosition: number;
  /** How many tokens are run, one by one. */
  readonly tokenCount: number;
}

/**
 * Bytes of VRAM that a token of a generation reads, on average: the weights of
 * the attention, routers and output matrix, one row of the embedding, the
 * experts that it chooses in each layer, and the keys and values that it sees.
 *
 * @param config What the model is.
 * @param bytes Its parts by size, and the positions.
 * @returns Bytes.
 */
export function activeByteLength(
  config: ModelConfig,
  bytes: ActiveBytes,
): number {
  const { numHiddenLayers, numExpertsPerTok, vocabSize } = config;
  const { embeddingByteLength } = bytes;
  // An embedding that is also the output matrix is read whole as that.
  const trunk = config.tieWordEmbeddings
    ? bytes.trunkByteLength
    : bytes.trunkByteLength - embeddingByteLength;
  const row = embeddingByteLength / vocabSize;
  const experts = numHiddenLayers * numExpertsPerTok * bytes.expertByteLength;
  return trunk + row + experts +
    meanVisible(config, bytes) * bytes.positionByteLength;
}

/** How many positions a token sees on average, its own included. */
function meanVisible(
  { slidingWindow }: ModelConfig,
  { firstPosition, tokenCount }: ActiveBytes,
): number {
  let sum = 0;
  for (let i = 1; i <= tokenCount; i++) {
    sum += Math.min(firstPosition + i, slidingWindow ?? Infinity);
  }
  return sum / tokenCount;
}

function milliseconds(byteLength: number, gigabytesPerSecond: number): number {
  return byteLength / gigabytesPerSecond / 1e6;
}
