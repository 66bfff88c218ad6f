import { POLICIES, type PolicyName } from "../offload/eviction.ts";
import type { RoutingTrace } from "../offload/routing_trace.ts";
import { countedTokens, type CountedTokensOptions } from "./counted_tokens.ts";
import { type ExpertUse, expertUse } from "./expert_use.ts";
import { type HitRateCurve, hitRateCurves } from "./hit_rate_curves.ts";
import { type PrefetchRecall, prefetchRecall } from "./prefetch_recall.ts";
import {
  type SlotsSuggestion,
  suggestSlots,
  type SuggestSlotsOptions,
} from "./suggest_slots.ts";

/** Options for {@linkcode analyzeTrace}. */
export interface AnalyzeTraceOptions extends CountedTokensOptions {
  /**
   * The policies to replay.
   *
   * @default {undefined} all there are
   */
  policies?: readonly PolicyName[] | undefined;
  /**
   * For how many slots, all layers together, to suggest slots of each layer, for
   * the first of the policies.
   *
   * @default {undefined} nothing is suggested
   */
  slotCount?: SuggestSlotsOptions["slotCount"] | undefined;
  /** Hears how many of the replays of a part are done, and which part it is. */
  onProgress?:
    | ((done: number, total: number, part: "hit rates" | "slots") => void)
    | undefined;
}

/** What a routing trace says of a model. */
export interface TraceReport {
  /** The model's name. */
  model: string;
  /** Layers of the model. */
  layerCount: number;
  /** Experts of a layer. */
  expertCount: number;
  /** Experts of a token in a layer. */
  topK: number;
  /** Tokens that were recorded. */
  tokenCount: number;
  /** Whether those of prompts are counted. */
  includesPrefill: boolean;
  /** Which experts are used. */
  use: ExpertUse;
  /** Hits by slots; Belady's optimum last. */
  hitRates: HitRateCurve[];
  /** How good guesses are, by depth; empty if none was recorded. */
  prefetchRecall: PrefetchRecall[];
  /** Slots of each layer; `null` if they were not asked for. */
  suggestion: SlotsSuggestion | null;
}

/**
 * Finds out what a routing trace says of a model. It takes about 0.4 ms a token
 * for a model as large as Mixtral-8x7B.
 *
 * @param trace The trace.
 * @param options What to count and to replay.
 * @returns The report, which `traceSvg()` draws.
 * @throws {RangeError} If no token counts, or there are fewer slots than layers
 * times top-k.
 */
export function analyzeTrace(
  trace: RoutingTrace,
  options: AnalyzeTraceOptions = {},
): TraceReport {
  const { includePrefill = false, slotCount, onProgress } = options;
  const policies = options.policies ?? Object.keys(POLICIES) as PolicyName[];
  countedTokens(trace, { includePrefill });
  const { model, layerCount, expertCount, topK, tokenCount } = trace;
  return {
    ...{ model, layerCount, expertCount, topK, tokenCount },
    includesPrefill: includePrefill,
    use: expertUse(trace, { includePrefill }),
    // First, since a budget may be wrong, and the others take their time.
    suggestion: slotCount === undefined ? null : suggestSlots(trace, {
      slotCount,
      includePrefill,
      policy: policies[0],
      onProgress: (done, total) => onProgress?.(done, total, "slots"),
    }),
    prefetchRecall: prefetchRecall(trace),
    hitRates: hitRateCurves(trace, {
      policies,
      includePrefill,
      onProgress: (done, total) => onProgress?.(done, total, "hit rates"),
    }),
  };
}

/**
 * Says what a report is about, in a line.
 *
 * @param report The report.
 * @returns Tokens and the numbers of the model.
 */
export function describeTrace(report: TraceReport): string {
  const { layerCount, expertCount, topK, includesPrefill, use } = report;
  const tokens = use.tokenCount.toLocaleString("en");
  return `${tokens} ${includesPrefill ? "" : "decoded "}tokens; ` +
    `${layerCount} layers of ${expertCount} experts, of which a token uses ${topK}`;
}
