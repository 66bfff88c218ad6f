import type { PolicyName } from "../offload/eviction.ts";
import { belady, replay, type ReplayResult } from "../offload/replay.ts";
import type { RoutingTrace } from "../offload/routing_trace.ts";
import { countedTokens, type CountedTokensOptions } from "./counted_tokens.ts";
import { tickStep } from "./tick_step.ts";

/** The most points of a curve but for the last. */
const POINT_LIMIT = 32;

/** Who decides which expert loses its slot: a policy, or the best there is. */
export type CurveName = PolicyName | "belady";

/** Options for {@linkcode hitRateCurves}. */
export interface HitRateCurvesOptions extends CountedTokensOptions {
  /** The policies. */
  policies: readonly PolicyName[];
  /** Hears how many of the replays are done. */
  onProgress?: ((done: number, total: number) => void) | undefined;
}

/** What a number of slots in every layer brings. */
export interface HitRatePoint {
  /** Slots of each layer. */
  slots: number;
  /** Share of the uses whose expert was in a slot. */
  hitRate: number;
  /** The same of each layer: (layerCount) */
  layers: number[];
}

/** Hit rates by slots. */
export interface HitRateCurve {
  /** The policy; `"belady"` for the optimum. */
  policy: CurveName;
  /**
   * From top-k slots, which a token needs, to one for every expert; of more than
   * 33 some are left out.
   */
  points: HitRatePoint[];
}

/**
 * Replays a trace with one number of slots after the other: figure 2, left, of arXiv
 * 2312.17238. Caches are empty at first, but with a slot for every expert
 * nothing is ever missing, as in the engine.
 *
 * @param trace The trace.
 * @param options The policies, and which tokens count.
 * @returns A curve for each policy, in their order, and Belady's optimum.
 * @throws {RangeError} If no token counts.
 *
 * @example
 * ```ts
 * import { hitRateCurves, parseTrace } from "../../mod.ts";
 * import { assert } from "@std/assert";
 *
 * const file = await Deno.readFile("tests/testdata/routing/stories_17m.trace");
 * const [lru, best] = hitRateCurves(parseTrace(file), { policies: ["lru"] });
 * const rates = lru!.points.map(({ hitRate }) => hitRate); // 2 to 8 slots
 * assert(rates.length === 7 && rates[2]! > rates[0]!);
 * assert(best!.policy === "belady" && best!.points[2]!.hitRate > rates[2]!);
 * ```
 */
export function hitRateCurves(
  trace: RoutingTrace,
  { policies, includePrefill = false, onProgress }: HitRateCurvesOptions,
): HitRateCurve[] {
  countedTokens(trace, { includePrefill });
  const { topK, expertCount } = trace;
  const step = tickStep(expertCount - topK, POINT_LIMIT + 1);
  const slotCounts = Array.from(
    { length: Math.ceil((expertCount - topK) / step) },
    (_, i) => topK + i * step,
  );
  const names: CurveName[] = [...policies, "belady"];
  const total = names.length * slotCounts.length;
  let done = 0;
  return names.map((policy) => {
    const points = slotCounts.map((slots) => {
      const result = policy === "belady"
        ? belady(trace, { slots, includePrefill })
        : replay(trace, { slots, includePrefill, policy });
      onProgress?.(++done, total);
      return pointOf(slots, result);
    });
    const layers = Array<number>(trace.layerCount).fill(1);
    points.push({ slots: expertCount, hitRate: 1, layers });
    return { policy, points };
  });
}

function pointOf(slots: number, result: ReplayResult): HitRatePoint {
  const layers = result.layers
    .map(({ hits, misses }) => hits / (hits + misses));
  return { slots, hitRate: result.hitRate, layers };
}
