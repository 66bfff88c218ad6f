/** Traces for tests. */

import {
  NO_EXPERT,
  parseTrace,
  type RoutingTrace,
} from "../offload/routing_trace.ts";

/**
 * A trace of a single layer of 4 experts, without guesses.
 *
 * @param experts Two experts for each token.
 * @param options How many tokens, the first ones, are of a prompt.
 * @returns The trace.
 */
export function traceOf(
  experts: readonly (readonly [number, number])[],
  { prefill = 0 } = {},
): RoutingTrace {
  const tokenCount = experts.length;
  return {
    model: "tiny",
    layerCount: 1,
    expertCount: 4,
    topK: 2,
    guessCount: 1,
    tokenCount,
    kinds: Uint8Array.from(
      experts,
      (_, i) => i >= prefill ? 0 : i === 0 ? 2 : 1,
    ),
    experts: Uint16Array.from(experts.flat()),
    weights: new Float32Array(2 * tokenCount).fill(0.5),
    guesses: new Uint16Array(tokenCount).fill(NO_EXPERT),
  };
}

/**
 * The routing of stories-17m over 512 tokens: `tests/testdata/routing`.
 *
 * @returns The trace.
 */
export async function storiesTrace(): Promise<RoutingTrace> {
  const path = "../../tests/testdata/routing/stories_17m.trace";
  return parseTrace(await Deno.readFile(new URL(path, import.meta.url)));
}
