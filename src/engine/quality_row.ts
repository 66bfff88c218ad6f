/** What a model of some bits is worth. Numbers only. */

import type { Activations } from "../gpu/activations.ts";
import { countParameters } from "../model/count_parameters.ts";
import type { ModelConfig } from "../model/config.ts";
import type { Plan } from "../offload/placement.ts";
import type { BitsPair } from "./bits_pair.ts";
import type { Divergence } from "./divergence.ts";
import {
  compareWindows,
  type PerplexityChange,
  type PerplexityResult,
  summarizeWindows,
  type WindowResult,
} from "./perplexity_result.ts";

/** A model of some bits: how large it is, and how well it foretells a text. */
export interface QualityRow extends BitsPair, PerplexityResult {
  /** How exact inputs of strips were. */
  readonly activations: Activations;
  /** Bytes of all weights, scales and zeros included, as they lie in memory. */
  readonly byteLength: number;
  /** `byteLength` in bits, divided by the parameters of the model. */
  readonly bitsPerWeight: number;
  /** The same of the experts alone. */
  readonly bitsPerExpertWeight: number;
  /** How perplexity differs from that of the first row; `null` for itself. */
  readonly change: PerplexityChange | null;
  /** How predictions differ from those of the first row; `null` for itself. */
  readonly divergence: Divergence | null;
  /** How long it took to load, and to quantize. */
  readonly loadMs: number;
  /** How long it took to run the windows. */
  readonly timeMs: number;
  /** Tokens that were run, a second. */
  readonly tokensPerSecond: number;
  /** Each window. */
  readonly windows: readonly WindowResult[];
}

/** What a row is made of. */
export interface QualityRowInput extends
  BitsPair,
  Pick<
    QualityRow,
    "activations" | "divergence" | "loadMs" | "timeMs" | "windows"
  > {
  /** What the model is. */
  readonly config: ModelConfig;
  /** What of it went where. */
  readonly plan: Pick<Plan, "trunkByteLength" | "expertByteLength">;
  /** Tokens that were run. */
  readonly ranTokenCount: number;
  /** The windows of the first row; `null` if this is it. */
  readonly first: readonly WindowResult[] | null;
}

/**
 * Makes a row.
 *
 * @param input What was planned and measured.
 * @returns The row.
 */
export function qualityRow(
  { config, plan, ranTokenCount, first, ...measured }: QualityRowInput,
): QualityRow {
  const { numHiddenLayers, numLocalExperts } = config;
  const expertsByteLength = numHiddenLayers * numLocalExperts *
    plan.expertByteLength;
  const byteLength = plan.trunkByteLength + expertsByteLength;
  const counts = countParameters(config);
  const { windows, timeMs } = measured;
  return {
    ...measured,
    ...summarizeWindows(windows),
    byteLength,
    bitsPerWeight: 8 * byteLength / counts.total,
    bitsPerExpertWeight: 8 * expertsByteLength / counts.experts,
    change: first && compareWindows(windows, first),
    tokensPerSecond: ranTokenCount / timeMs * 1000,
  };
}
