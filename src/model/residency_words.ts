/** How many words routers keep of what they decide. */

import {
  type ResidencyLayout,
  residencyLayout,
} from "../offload/residency_block.ts";
import { AHEAD_LIMIT } from "../ops/step.ts";
import type { ModelConfig } from "./config.ts";
import type { MixtralOptions } from "./mixtral_parts.ts";

/**
 * Says what is in a block of a model's residency.
 *
 * @param config What the model is.
 * @returns The layout.
 */
export function blockLayout(config: ModelConfig): ResidencyLayout {
  return residencyLayout({
    expertCount: config.numLocalExperts,
    topK: config.numExpertsPerTok,
  });
}

/**
 * Bytes that residency takes on the GPU: the blocks, and as they are after each of
 * the tokens of a submit.
 *
 * @param config What the model is.
 * @returns The bytes.
 */
export function residencyByteLength(config: ModelConfig): number {
  const { wordCount } = blockLayout(config);
  return 4 * config.numHiddenLayers * wordCount * (1 + AHEAD_LIMIT);
}

/**
 * Words of the residency that routers keep: they decide on offloaded experts where
 * the GPU is to, and only log what they chose where somebody may want to hear it.
 *
 * @param config What the model is.
 * @param options Who decides, and who listens.
 * @returns The words of all layers; 0 if routers keep nothing.
 */
export function residencyWords(
  config: ModelConfig,
  { offload, onRouting, isWatchable, guessAhead = [] }: Pick<
    MixtralOptions,
    "offload" | "onRouting" | "isWatchable" | "guessAhead"
  >,
): number {
  const isKept = offload === null
    ? (isWatchable || onRouting !== undefined) && guessAhead.length === 0
    : offload.residency === "gpu";
  return isKept ? config.numHiddenLayers * blockLayout(config).wordCount : 0;
}
