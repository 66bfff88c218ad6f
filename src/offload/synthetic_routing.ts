import { replay } from "./replay.ts";
import type { RoutingTrace } from "./routing_trace.ts";
import { syntheticTrace } from "./synthetic_trace.ts";

/**
 * How a made-up model is to route: `"random"`, so that a cache with `slots` slots
 * of each layer and LRU has a hit rate, or as a trace says.
 */
export type SyntheticRouting =
  | "random"
  | { readonly hitRate: number; readonly slots: number }
  | RoutingTrace;

/** Options for {@linkcode syntheticRouting}. */
export interface SyntheticRoutingOptions {
  /** Layers of the model. */
  layerCount: number;
  /** Experts of a layer. */
  expertCount: number;
  /** Experts of a token in a layer. */
  topK: number;
  /** Ids of the vocabulary: a trace has at most as many tokens. */
  vocabSize: number;
  /** Same seed, same routing. */
  seed: number;
}

/** Tokens of a trace that is made up. */
const TOKEN_COUNT = 2048;

/** How far a hit rate may be from the one that is wanted. */
const HIT_RATE_TOLERANCE = 0.005;

const STEP_LIMIT = 20;

/**
 * Makes the trace that a made-up model is to route by: token id t as its token t,
 * ids beyond its length from its beginning again.
 *
 * @param wish How the model is to route.
 * @param options What the model is.
 * @returns The trace.
 * @throws {RangeError} If a trace is of another model or longer than the
 * vocabulary, or no routing has the hit rate.
 */
export function syntheticRouting(
  wish: SyntheticRouting,
  options: SyntheticRoutingOptions,
): RoutingTrace {
  if (wish === "random") return makeTrace(options, 0);
  if ("hitRate" in wish) return traceOfHitRate(wish, options);
  const { layerCount, expertCount, topK, vocabSize } = options;
  if (
    wish.layerCount !== layerCount || wish.expertCount !== expertCount ||
    wish.topK !== topK
  ) {
    throw new RangeError(
      `Cannot route by a trace of ${shapeOf(wish)}: the model has ${
        shapeOf(options)
      }, wanted the same`,
    );
  }
  if (wish.tokenCount < 1 || wish.tokenCount > vocabSize) {
    throw new RangeError(
      `Cannot route by a trace of ${wish.tokenCount} tokens: each takes an id, wanted 1 to ${vocabSize}`,
    );
  }
  return wish;
}

/** The longer experts stay, the higher the rate: a bisection finds it. */
function traceOfHitRate(
  { hitRate, slots }: { readonly hitRate: number; readonly slots: number },
  options: SyntheticRoutingOptions,
): RoutingTrace {
  const rateOf = (trace: RoutingTrace) => replay(trace, { slots }).hitRate;
  const least = rateOf(makeTrace(options, 0));
  const most = rateOf(makeTrace(options, 1));
  const isReachable = hitRate >= least - HIT_RATE_TOLERANCE &&
    hitRate <= most + HIT_RATE_TOLERANCE;
  let low = 0;
  let high = 1;
  for (let step = 0; isReachable && step < STEP_LIMIT; step++) {
    const locality = (low + high) / 2;
    const trace = makeTrace(options, locality);
    const rate = rateOf(trace);
    if (Math.abs(rate - hitRate) <= HIT_RATE_TOLERANCE) return trace;
    if (rate < hitRate) low = locality;
    else high = locality;
  }
  throw new RangeError(
    `Cannot make up routing with a hit rate of ${hitRate}: with ${slots} of ${options.expertCount} experts in slots it can be ${
      least.toFixed(3)
    } to ${most.toFixed(3)}, wanted one of these`,
  );
}

function makeTrace(
  { vocabSize, ...options }: SyntheticRoutingOptions,
  locality: number,
): RoutingTrace {
  return syntheticTrace({
    ...options,
    tokenCount: Math.min(vocabSize, TOKEN_COUNT),
    locality,
    guessCount: 0,
  });
}

function shapeOf(
  { layerCount, expertCount, topK }: {
    layerCount: number;
    expertCount: number;
    topK: number;
  },
): string {
  return `${layerCount} layers with ${topK} of ${expertCount} experts a token`;
}
