import { DEFAULT_POLICY, type PolicyName } from "../offload/eviction.ts";
import { evenSlots } from "../offload/even_slots.ts";
import { replay } from "../offload/replay.ts";
import type { RoutingTrace } from "../offload/routing_trace.ts";
import { allotSlots, checkSlotCount } from "./allot_slots.ts";
import {
  countedTokens,
  type CountedTokensOptions,
  firstTokens,
} from "./counted_tokens.ts";

/** Options for {@linkcode suggestSlots}. */
export interface SuggestSlotsOptions extends CountedTokensOptions {
  /** Slots of all layers together; more than there are experts are not used. */
  slotCount: number;
  /**
   * Which expert loses its slot.
   *
   * @default {"lru"}
   */
  policy?: PolicyName | undefined;
  /** Hears how many of the replays are done. */
  onProgress?: ((done: number, total: number) => void) | undefined;
}

/** What slots that differ by layer bring, and what as many even ones do. */
export interface SlotsComparison {
  /** Tokens that hit rates are of. */
  tokenCount: number;
  /** Slots of each layer: (layerCount) */
  slots: number[];
  /** Share of all uses that find their expert in a slot. */
  hitRate: number;
  /** The same with even slots. */
  evenHitRate: number;
}

/** What {@linkcode suggestSlots} finds. */
export interface SlotsSuggestion extends SlotsComparison {
  /** The policy. */
  policy: PolicyName;
  /** As many slots, dealt out evenly, the rest to the last layers: (layerCount) */
  evenSlots: number[];
  /**
   * How much of it is not chance: slots that were found on the first half of the
   * tokens, on the second half; `null` for a single token.
   */
  heldOut: SlotsComparison | null;
}

/** How to replay, and who hears of each replay. */
interface Replays {
  readonly policy: PolicyName;
  readonly includePrefill: boolean;
  readonly onReplay: () => void;
}

/** Hits by layer, with top-k slots and more: (layerCount, as many) */
type HitTable = number[][];

/**
 * Finds how many slots each layer should get, so that as few experts as possible
 * are missing: by replays with every number of slots, since layers do not depend
 * on each other, and the best sum of them.
 *
 * @param trace The trace.
 * @param options How many slots there are, and for which policy.
 * @returns Slots of each layer, and what they bring, also on tokens that they were
 * not found on.
 * @throws {RangeError} If there are fewer slots than layers times top-k, or no
 * token counts.
 *
 * @example
 * ```ts
 * import { parseTrace, suggestSlots } from "../../mod.ts";
 * import { assert } from "@std/assert";
 *
 * const file = await Deno.readFile("tests/testdata/routing/stories_17m.trace");
 * const found = suggestSlots(parseTrace(file), { slotCount: 24 });
 * assert(found.hitRate >= found.evenHitRate);
 * assert(found.slots.reduce((sum, count) => sum + count, 0) === 24);
 * ```
 */
export function suggestSlots(
  trace: RoutingTrace,
  options: SuggestSlotsOptions,
): SlotsSuggestion {
  const { slotCount, policy = DEFAULT_POLICY, includePrefill = false } =
    options;
  const { layerCount, expertCount, topK } = trace;
  checkSlotCount(slotCount, { layerCount, least: topK });
  const tokens = countedTokens(trace, { includePrefill });
  const count = Math.min(slotCount, layerCount * expertCount);
  const even = evenSlots(layerCount, count);
  const total = (tokens.length > 1 ? 2 : 1) * (expertCount - topK);
  let done = 0;
  const onReplay = () => options.onProgress?.(++done, total);
  const replays: Replays = { policy, includePrefill, onReplay };
  const find = (table: HitTable) =>
    allotSlots(table, { slotCount: count, least: topK });
  const compare = (
    table: HitTable,
    slots: number[],
    tokenCount: number,
  ): SlotsComparison => {
    const rateOf = (slots: readonly number[]) =>
      slots.reduce((sum, n, layer) => sum + table[layer]![n - topK]!, 0) /
      (tokenCount * layerCount * topK);
    const evenHitRate = rateOf(even);
    return { tokenCount, slots, hitRate: rateOf(slots), evenHitRate };
  };
  const all = hitTable(trace, replays, tokens.length);
  const half = Math.ceil(tokens.length / 2);
  let heldOut: SlotsComparison | null = null;
  if (tokens.length > 1) {
    const begin = firstTokens(trace, tokens[half]!);
    const first = hitTable(begin, replays, half);
    // What a cache does depends on what came before only, so the rest is the
    // second half, in caches that the first half left.
    const second = all.map((hits, layer) =>
      hits.map((count, i) => count - first[layer]![i]!)
    );
    heldOut = compare(second, find(first), tokens.length - half);
  }
  return {
    ...compare(all, find(all), tokens.length),
    policy,
    evenSlots: even,
    heldOut,
  };
}

function hitTable(
  trace: RoutingTrace,
  { onReplay, ...options }: Replays,
  tokenCount: number,
): HitTable {
  const { layerCount, expertCount, topK } = trace;
  const table: HitTable = Array.from({ length: layerCount }, () => []);
  for (let slots = topK; slots < expertCount; slots++) {
    const { layers } = replay(trace, { ...options, slots });
    for (const [layer, { hits }] of layers.entries()) table[layer]!.push(hits);
    onReplay();
  }
  // With a slot for every expert the engine misses nothing.
  for (const hits of table) hits.push(tokenCount * topK);
  return table;
}
