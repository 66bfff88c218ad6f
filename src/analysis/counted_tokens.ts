import { type RoutingTrace, TOKEN_KINDS } from "../offload/routing_trace.ts";

/** Which tokens of a trace an analysis counts. */
export interface CountedTokensOptions {
  /**
   * Whether tokens of prompts count too, as if they were decoded one by one.
   *
   * @default {false}
   */
  includePrefill?: boolean | undefined;
}

/**
 * The tokens of a trace that an analysis counts.
 *
 * @param trace The trace.
 * @param options Whether those of prompts count.
 * @returns Their numbers, ascending.
 * @throws {RangeError} If there are none.
 */
export function countedTokens(
  trace: RoutingTrace,
  { includePrefill = false }: CountedTokensOptions,
): number[] {
  const tokens = [...trace.kinds.keys()].filter((token) =>
    includePrefill || TOKEN_KINDS[trace.kinds[token]!] === "decode"
  );
  if (tokens.length > 0) return tokens;
  throw new RangeError(
    trace.tokenCount === 0
      ? "Cannot analyse the trace: it has no token, wanted some"
      : `Cannot analyse the trace: all of its ${trace.tokenCount} tokens are of prompts, wanted decoded ones, or prompts included`,
  );
}

/**
 * The beginning of a trace.
 *
 * @param trace The trace.
 * @param count How many tokens.
 * @returns A view of the first tokens.
 */
export function firstTokens(trace: RoutingTrace, count: number): RoutingTrace {
  const { layerCount, topK, guessCount, farDepths = [] } = trace;
  const places = count * layerCount;
  const { farGuesses } = trace;
  return {
    ...trace,
    tokenCount: count,
    kinds: trace.kinds.subarray(0, count),
    experts: trace.experts.subarray(0, places * topK),
    weights: trace.weights.subarray(0, places * topK),
    guesses: trace.guesses.subarray(0, places * guessCount),
    ...farGuesses && {
      farGuesses: farGuesses.subarray(
        0,
        places * farDepths.length * guessCount,
      ),
    },
  };
}
