import {
  expertsAt,
  guessAt,
  type RoutingTrace,
} from "../offload/routing_trace.ts";

/** How often guesses made some layers before hold what a token then uses. */
export interface PrefetchRecall {
  /** How many layers before. */
  depth: number;
  /**
   * Share of the uses whose expert is among the first 1, 2, ... guesses:
   * (guessCount)
   */
  recalls: number[];
  /** The same of each layer; `null` for one that nobody guessed: (layerCount) */
  layers: (number[] | null)[];
}

/**
 * Compares the guesses of a trace with what was used: figure 2, right, of arXiv
 * 2312.17238. One guess can hold no more than 1 / top-k of the uses. Tokens
 * without a guess, as those of prompts, do not count.
 *
 * @param trace The trace.
 * @returns Recall for each depth that has guesses, the nearest first.
 */
export function prefetchRecall(trace: RoutingTrace): PrefetchRecall[] {
  const depths = [1, ...trace.farDepths ?? []];
  return depths.map((depth) => recallOf(trace, depth))
    .filter(({ layers }) => layers.some((layer) => layer !== null));
}

function recallOf(trace: RoutingTrace, depth: number): PrefetchRecall {
  const { layerCount, guessCount, topK } = trace;
  const sums = Array<number>(guessCount).fill(0);
  let useCount = 0;
  const layers = Array.from({ length: layerCount }, (_, layer) => {
    const found = Array<number>(guessCount).fill(0);
    let uses = 0;
    for (let token = 0; token < trace.tokenCount; token++) {
      const guess = guessAt(trace, { token, layer, depth });
      if (guess.length === 0) continue;
      const experts = expertsAt(trace, { token, layer });
      uses += topK;
      for (const [i, expert] of guess.entries()) {
        if (!experts.includes(expert)) continue;
        for (let count = i; count < guessCount; count++) found[count]!++;
      }
    }
    for (const [i, count] of found.entries()) sums[i]! += count;
    useCount += uses;
    return uses === 0 ? null : found.map((count) => count / uses);
  });
  return { depth, recalls: sums.map((sum) => sum / useCount), layers };
}
