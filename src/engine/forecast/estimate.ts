/** From what layers cost and how often experts miss to tokens a second. */

import type { Plan } from "../../offload/placement.ts";
import { activeByteLength, type Roofline, roofline } from "../roofline.ts";
import type { ModelConfig } from "../../model/config.ts";
import type { HitRates } from "./hit_rates.ts";
import type { OffloadedCosts, ResidentCosts } from "./step_costs.ts";

/** What was measured of the machine, with the model's shapes. */
export interface MachineCosts {
  /** 10^9 bytes of VRAM a second. */
  readonly vramGigabytesPerSecond: number;
  /** 10^9 bytes of experts a second; `null` if none comes over the link. */
  readonly linkGigabytesPerSecond: number | null;
  /** What a token costs with all experts on the GPU. */
  readonly resident: ResidentCosts;
  /** What a layer costs that misses experts; `null` if none can miss. */
  readonly offloaded: OffloadedCosts | null;
  /** 10^9 bytes of files a second; `null` if there are none. */
  readonly diskGigabytesPerSecond: number | null;
}

/** What is to be estimated. */
export interface EstimateInput {
  /** What the model is. */
  readonly config: ModelConfig;
  /** What goes where. */
  readonly plan: Plan;
  /** Bytes of the embedding. */
  readonly embeddingByteLength: number;
  /** Positions of the KV cache. */
  readonly contextLength: number;
  /** How often experts are found in a slot. */
  readonly rates: Pick<HitRates, "rateOf">;
  /** What was measured; `null` if nothing was. */
  readonly costs: MachineCosts | null;
}

/** How a placement will do. */
export interface Estimate {
  /** Share of the uses that find a slot; `null` if all experts have one. */
  readonly hitRate: number | null;
  /** Uses that do not, a token. */
  readonly missesPerToken: number;
  /** Bytes over the link, a token. */
  readonly byteLengthPerToken: number;
  /** What link and VRAM allow; `null` if they were not measured. */
  readonly roofline: Roofline | null;
  /** Tokens a second to be expected; `null` if nothing was measured. */
  readonly tokensPerSecond: number | null;
}

/** Tokens that the bytes of keys and values are averaged over. */
const TOKEN_COUNT = 128;

/**
 * Estimates how fast a model will be at the start of a text, token by token.
 *
 * A token takes `fixed + sum over layers`, the times of which were measured on a
 * few layers of its shapes. A layer that misses m of its k experts takes t(m),
 * measured for 0, 1 and as many as can be, and taken as straight between these;
 * with a hit rate of h, `m` is (1 - h) k on average, and 0 with a probability of
 * h^k. So decisions, launches and the fill of slots are counted, whoever decides;
 * prefetch and what keeps a user's machine busy are not.
 *
 * t(0) may be what the host takes to launch a layer. While experts come it does so
 * ahead of the GPU, so between layers that miss, one that hits takes what the GPU
 * needs: what the line through the other times leaves at 0, at least the time of a
 * layer with all its experts. A token takes no less than t(0) in each layer. Where
 * the host decides, all of the times have its read-back. Experts on disk are
 * read besides, one after the other; a cache over them is not counted.
 *
 * @param input What goes where, and what was measured.
 * @returns Hit rate, misses, bytes, and both speeds.
 */
export function estimate(input: EstimateInput): Estimate {
  const { config, plan, rates, costs } = input;
  const { numExpertsPerTok: topK, numLocalExperts } = config;
  const { expertByteLength } = plan;
  let missesPerToken = 0;
  let offloadedCount = 0;
  let ms = costs?.resident.fixedMs ?? 0;
  let leastMs = ms; // if nothing missed
  for (const [layer, slots] of plan.slots.entries()) {
    if (slots === numLocalExperts) {
      ms += costs?.resident.layerMs ?? 0;
      leastMs += costs?.resident.layerMs ?? 0;
      continue;
    }
    const hitRate = rates.rateOf(layer, slots);
    offloadedCount++;
    missesPerToken += (1 - hitRate) * topK;
    if (costs === null) continue;
    ms += layerMs(costs, { hitRate, topK, expertByteLength });
    leastMs += costs.offloaded?.layerMs[0]?.ms ?? costs.resident.layerMs;
  }
  return {
    hitRate: offloadedCount === 0
      ? null
      : 1 - missesPerToken / (offloadedCount * topK),
    missesPerToken,
    byteLengthPerToken: missesPerToken * expertByteLength,
    roofline: costs && limitsOf(input, costs, missesPerToken),
    tokensPerSecond: costs &&
      speedOf(Math.max(ms, leastMs), input, missesPerToken),
  };
}

/** Tokens a second, with what is read from disk; `null` if that is not known. */
function speedOf(
  ms: number,
  { plan: { stores, expertByteLength }, costs }: EstimateInput,
  missesPerToken: number,
): number | null {
  const count = stores.reduce((sum, store) => sum + store.expertCount, 0);
  const onDisk = stores.find(({ kind }) => kind === "disk")?.expertCount ?? 0;
  if (onDisk === 0 || missesPerToken === 0) return 1000 / ms;
  const rate = costs!.diskGigabytesPerSecond;
  if (rate === null) return null;
  const reads = missesPerToken * onDisk / count;
  return 1000 / (ms + reads * expertByteLength / rate / 1e6);
}

/** Milliseconds of a layer beside others that miss, by how often it finds its experts. */
function layerMs(
  { resident, offloaded }: MachineCosts,
  { hitRate, topK, expertByteLength }: {
    hitRate: number;
    topK: number;
    expertByteLength: number;
  },
): number {
  const [none, one, most = one] = offloaded?.layerMs ?? [];
  if (none === undefined || one === undefined || most === undefined) {
    return resident.layerMs; // none can miss
  }
  // What a miss costs is its way over the link, so it grows with the bytes.
  const scale = expertByteLength / offloaded!.expertByteLength;
  const isOne = most.misses === one.misses;
  const moreMs = isOne
    ? Math.max(0, one.ms - none.ms)
    : Math.max(0, (most.ms - one.ms) / (most.misses - one.misses));
  const hitMs = isOne
    ? none.ms
    : Math.min(none.ms, Math.max(resident.layerMs, one.ms - moreMs));
  const anyMs = Math.max(0, one.ms - hitMs);
  const any = 1 - hitRate ** topK;
  const misses = (1 - hitRate) * topK;
  return hitMs + scale * (any * anyMs + (misses - any) * moreMs);
}

function limitsOf(
  { config, plan, embeddingByteLength, contextLength }: EstimateInput,
  costs: MachineCosts,
  missesPerToken: number,
): Roofline {
  return roofline({
    missesPerToken,
    expertByteLength: plan.expertByteLength,
    activeByteLength: activeByteLength(config, {
      trunkByteLength: plan.trunkByteLength,
      embeddingByteLength,
      expertByteLength: plan.expertByteLength,
      positionByteLength: plan.kvByteLength / contextLength,
      firstPosition: 0,
      tokenCount: Math.min(TOKEN_COUNT, contextLength),
    }),
    linkGigabytesPerSecond: missesPerToken === 0
      ? null
      : costs.linkGigabytesPerSecond,
    vramGigabytesPerSecond: costs.vramGigabytesPerSecond,
  });
}
