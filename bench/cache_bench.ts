/**
 * How much the eviction policy matters, and what deciding costs; no GPU.
 *
 * `deno run -A bench/cache_bench.ts [trace]` prints hit rates by policy and
 * slots per layer beside the best that is possible; without a trace, for that
 * of stories-17m and for a made-up one as local as Mixtral.
 * `deno bench -A bench/cache_bench.ts` times `ExpertCache.acquire()`.
 *
 * @module
 */

import { POLICIES, type PolicyName } from "../src/offload/eviction.ts";
import { ExpertCache } from "../src/offload/expert_cache.ts";
import { offloadReport } from "../src/offload/describe_stats.ts";
import { OffloadStats } from "../src/offload/offload_stats.ts";
import { belady, replay } from "../src/offload/replay.ts";
import {
  expertsAt,
  NO_EXPERT,
  parseTrace,
  type RoutingTrace,
} from "../src/offload/routing_trace.ts";
import { syntheticTrace } from "../src/offload/synthetic_trace.ts";

const STORIES_TRACE = new URL(
  "../tests/testdata/routing/stories_17m.trace",
  import.meta.url,
);
const EXPERT_COUNTS = new URL(
  "../tests/testdata/routing/mixtral_expert_counts.json",
  import.meta.url,
);
const POLICY_NAMES = Object.keys(POLICIES) as PolicyName[];

/**
 * Hit rates of Mixtral-8x7B-Instruct by layer with 2 slots and LRU: figure 2 of
 * "Fast Inference of Mixture-of-Experts Language Models with Offloading"
 * (arXiv 2312.17238), read off the figure.
 */
// deno-fmt-ignore
const MIXTRAL_HIT_RATES = [
  0.29, 0.34, 0.24, 0.35, 0.39, 0.32, 0.34, 0.39,
  0.54, 0.44, 0.41, 0.45, 0.49, 0.52, 0.39, 0.49,
  0.38, 0.34, 0.31, 0.32, 0.33, 0.43, 0.30, 0.29,
  0.29, 0.25, 0.18, 0.23, 0.32, 0.34, 0.37, 0.36,
];

/**
 * A made-up trace with these hit rates where there are 2 slots, and experts as
 * popular as Mixtral's are in layers 0, 7 and 15.
 */
async function mixtralTrace(tokenCount: number): Promise<RoutingTrace> {
  const { counts } = JSON.parse(await Deno.readTextFile(EXPERT_COUNTS));
  const popularity = Object.values<number[]>(counts.wikipedia);
  // With 2 slots a use hits if it is kept, or drawn anew as one of 2 in 8.
  const locality = MIXTRAL_HIT_RATES
    .map((rate) => Math.max((rate - 0.25) / 0.75, 0));
  return syntheticTrace({ seed: 1, tokenCount, locality, popularity });
}

/** Hit rates by slots and policy. */
function hitRateTable(trace: RoutingTrace): string {
  const { topK, expertCount } = trace;
  const rows = [["slots", "at random", ...POLICY_NAMES, "belady"]];
  for (let slots = topK; slots < expertCount; slots++) {
    const rates = [
      slots / expertCount,
      ...POLICY_NAMES.map((policy) => replay(trace, { slots, policy }).hitRate),
      belady(trace, { slots }).hitRate,
    ];
    rows.push([String(slots), ...rates.map((rate) => rate.toFixed(3))]);
  }
  return rows.map((row) => row.map((cell) => cell.padStart(10)).join(""))
    .join("\n");
}

/** How often the first 1, 2, 3 guesses name an expert in use. */
function recallLine(trace: RoutingTrace): string {
  const { tokenCount, layerCount, guessCount } = trace;
  const stats = new OffloadStats(layerCount);
  for (let place = 0; place < tokenCount * layerCount; place++) {
    const layer = place % layerCount;
    const token = Math.floor(place / layerCount);
    const guess = [...trace.guesses.subarray(
      place * guessCount,
      (place + 1) * guessCount,
    )].filter((id) => id !== NO_EXPERT);
    stats.countGuess(layer, {
      guess,
      experts: expertsAt(trace, { token, layer }),
    });
  }
  const { prefetchRecall } = offloadReport(stats.snapshot());
  return `recall of the first 1, 2, 3 guesses: ${
    prefetchRecall.map((value) => value?.toFixed(3) ?? "none").join(", ")
  }`;
}

async function main(): Promise<void> {
  const read = async (path: string | URL) =>
    parseTrace(await Deno.readFile(path));
  const traces = Deno.args[0] === undefined
    ? [await read(STORIES_TRACE), await mixtralTrace(1000)]
    : [await read(Deno.args[0])];
  for (const trace of traces) {
    const { model, tokenCount, layerCount, expertCount, topK } = trace;
    // deno-lint-ignore no-console
    console.log(
      `${model}: ${tokenCount} tokens, ${layerCount} layers of ${expertCount} experts, top ${topK}\n${
        hitRateTable(trace)
      }\n${recallLine(trace)}\n`,
    );
  }
}

function benchAcquire(): void {
  for (const [expertCount, topK, slots] of [[8, 2, 4], [128, 8, 48]] as const) {
    const shape = { layerCount: 1, expertCount, topK };
    const trace = syntheticTrace({ seed: 1, tokenCount: 4096, ...shape });
    const steps = Array.from(
      { length: trace.tokenCount },
      (_, token) => expertsAt(trace, { token, layer: 0 }),
    );
    for (const policy of POLICY_NAMES) {
      const cache = new ExpertCache(slots, { expertCount, policy });
      let step = 0;
      Deno.bench(`${policy}, ${topK} of ${expertCount}, ${slots} slots`, () => {
        cache.acquire(steps[step++ % steps.length]!);
      });
    }
  }
}

benchAcquire();
if (import.meta.main) await main();
