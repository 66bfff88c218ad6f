import { expertsAt, type RoutingTrace } from "../offload/routing_trace.ts";
import { countedTokens, type CountedTokensOptions } from "./counted_tokens.ts";

/** How a layer's tokens spread over its experts. */
export interface LayerUse {
  /** Uses of each expert: (expertCount) */
  counts: number[];
  /** Its share of all uses: (expertCount) */
  shares: number[];
  /**
   * How many experts, all used alike, would be as hard to predict: e to the
   * entropy of the shares, 1 to `expertCount`.
   */
  effectiveExperts: number;
  /** Share of the uses whose expert the token before used as well. */
  repeatRate: number;
  /**
   * The same if every token chose anew by these shares: the sum of the squares
   * of how likely a token uses an expert, divided by top-k.
   */
  chanceRepeatRate: number;
}

/** How the tokens of a trace spread over experts; rates are means of layers. */
export interface ExpertUse {
  /** Tokens that were counted. */
  tokenCount: number;
  /** (layerCount) */
  layers: LayerUse[];
  /** Mean of the layers. */
  effectiveExperts: number;
  /** Mean of the layers. */
  repeatRate: number;
  /** Mean of the layers. */
  chanceRepeatRate: number;
}

/**
 * Counts which experts the tokens of a trace use, and how often a token uses
 * those of the token before: why a cache of recently used experts works
 * (arXiv 2312.17238, section 3.1). A cache of top-k slots that evicts the least
 * recently used has that rate of hits.
 *
 * @param trace The trace.
 * @param options Which tokens count.
 * @returns Counts, shares and rates by layer.
 * @throws {RangeError} If no token counts.
 */
export function expertUse(
  trace: RoutingTrace,
  options: CountedTokensOptions = {},
): ExpertUse {
  const tokens = countedTokens(trace, options);
  const layers = Array.from(
    { length: trace.layerCount },
    (_, layer) => layerUse(trace, layer, tokens),
  );
  const mean = (of: (layer: LayerUse) => number) =>
    layers.reduce((sum, layer) => sum + of(layer), 0) / layers.length;
  return {
    tokenCount: tokens.length,
    layers,
    effectiveExperts: mean((layer) => layer.effectiveExperts),
    repeatRate: mean((layer) => layer.repeatRate),
    chanceRepeatRate: mean((layer) => layer.chanceRepeatRate),
  };
}

/**
 * The largest share that an expert has in any layer.
 *
 * @param use The uses.
 * @returns The share, above 0.
 */
export function largestShare({ layers }: ExpertUse): number {
  return layers
    .reduce((most, { shares }) => Math.max(most, ...shares), 0);
}

function layerUse(
  trace: RoutingTrace,
  layer: number,
  tokens: readonly number[],
): LayerUse {
  const { expertCount, topK } = trace;
  const counts = Array<number>(expertCount).fill(0);
  let repeats = 0;
  let repeatable = 0;
  for (const token of tokens) {
    const experts = expertsAt(trace, { token, layer });
    for (const expert of experts) counts[expert]!++;
    if (token === 0) continue;
    const before = expertsAt(trace, { token: token - 1, layer });
    repeats += experts.filter((expert) => before.includes(expert)).length;
    repeatable += topK;
  }
  const shares = counts.map((count) => count / (tokens.length * topK));
  const entropy = shares
    .map((share) => share === 0 ? 0 : -share * Math.log(share))
    .reduce((sum, term) => sum + term, 0);
  return {
    counts,
    shares,
    effectiveExperts: Math.exp(entropy),
    repeatRate: repeatable === 0 ? 0 : repeats / repeatable,
    chanceRepeatRate: shares
      .map((share) => topK * share ** 2) // (topK * share)^2 / topK
      .reduce((sum, term) => sum + term, 0),
  };
}
