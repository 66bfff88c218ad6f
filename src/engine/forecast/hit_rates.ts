/** How often experts will be found in a slot: assumed, or replayed from a trace. */

import { counted } from "../../io/counted.ts";
import type { PolicyName } from "../../offload/eviction.ts";
import { replay } from "../../offload/replay.ts";
import type { RoutingTrace } from "../../offload/routing_trace.ts";
import type { ExpertCounts } from "../../offload/slots_wish.ts";

/** Where hit rates come from. */
export type HitRateSource = "uniform" | "assumed" | "trace";

/** What is known of how a model routes; nothing: evenly, whatever came before. */
export interface HitRateWish {
  /** A hit rate, and with how many slots of a layer (on average) it is reached. */
  readonly assumed?: { readonly hitRate: number; readonly slots: number };
  /** What the routers of the model chose for some text. */
  readonly trace?: RoutingTrace;
  /**
   * Which expert to evict in the replay of the trace.
   *
   * @default {"lru"}
   */
  readonly policy?: PolicyName | undefined;
}

/** Hit rates of a model. */
export interface HitRates {
  /** Where they come from. */
  readonly source: HitRateSource;
  /** Says how they were come by, in a sentence without a period. */
  readonly reason: string;
  /** The share of a layer's uses that find their expert in one of its slots. */
  readonly rateOf: (layer: number, slots: number) => number;
}

/**
 * Makes the hit rates of a model.
 *
 * If every expert is as probable as any other, whatever came before, a use finds
 * its expert with a probability of `slots / experts`, whichever policy evicts. A
 * rate h that is assumed for s slots extends to others as a power,
 * `(slots / experts) ^ (ln h / ln (s / experts))`: Mixtral-8x7B's rates in figure
 * 2 of arXiv 2312.17238 (.36, .48 and .60 with 2, 3 and 4 of 8) follow one with an
 * exponent of 0.74 to 0.01. A trace is replayed.
 *
 * @param counts The model.
 * @param wish What is known of how it routes.
 * @returns The rates.
 * @throws {RangeError} If the trace is of another model or has no token that was
 * decoded, or the rate is none that there can be.
 */
export function hitRates(
  counts: ExpertCounts,
  { assumed, trace, policy }: HitRateWish = {},
): HitRates {
  if (trace !== undefined) return replayed(counts, trace, policy);
  const { expertCount } = counts;
  if (assumed === undefined) {
    return {
      source: "uniform",
      reason: "every expert as probable as any other, whatever came before: " +
        "slots / experts; text does better",
      rateOf: (_, slots) => slots / expertCount,
    };
  }
  const { hitRate, slots: at } = assumed;
  if (!(hitRate >= 0 && hitRate <= 1)) {
    throw new RangeError(
      `Cannot assume a hit rate of ${hitRate}: wanted a number from 0 to 1`,
    );
  }
  // With a slot for every expert there is no rate to go by.
  const exponent = at >= expertCount
    ? 1
    : Math.log(hitRate) / Math.log(at / expertCount);
  return {
    source: "assumed",
    reason:
      `${hitRate} with ${slotsText(at)} of ${expertCount} slots as told, ` +
      `others by the same power of slots / experts (${exponent.toFixed(2)})`,
    rateOf: (_, slots) => (slots / expertCount) ** exponent,
  };
}

function replayed(
  { layerCount, expertCount, topK }: ExpertCounts,
  trace: RoutingTrace,
  policy: PolicyName = "lru",
): HitRates {
  if (
    trace.layerCount !== layerCount || trace.expertCount !== expertCount ||
    trace.topK !== topK
  ) {
    throw new RangeError(
      `Cannot use a trace of ${trace.layerCount} layers with ${trace.topK} of ${trace.expertCount} experts a token: the model has ${layerCount} layers with ${topK} of ${expertCount}, wanted a trace of it`,
    );
  }
  const bySlots = new Map<number, number[]>();
  let decodedCount = 0;
  for (let slots = topK; slots <= expertCount; slots++) {
    const { layers } = replay(trace, { slots, policy });
    decodedCount = (layers[0]!.hits + layers[0]!.misses) / topK;
    bySlots.set(
      slots,
      layers.map(({ hits, misses }) => hits / (hits + misses)),
    );
  }
  if (decodedCount === 0) {
    throw new RangeError(
      `Cannot use a trace of ${
        counted(trace.tokenCount, "token")
      }: none of them was decoded, wanted one of an answer`,
    );
  }
  return {
    source: "trace",
    reason:
      `${
        counted(decodedCount, "token")
      } of a trace of ${trace.model}, replayed ` +
      `with ${policy}`,
    rateOf: (layer, slots) => bySlots.get(slots)![layer]!,
  };
}

function slotsText(slots: number): string {
  return Number.isInteger(slots) ? String(slots) : slots.toFixed(1);
}
