import { counted } from "../io/counted.ts";
import type { PolicyName } from "./eviction.ts";
import { ExpertCache } from "./expert_cache.ts";
import { seedsOf } from "./prefill_seeds.ts";
import { expertsAt, type RoutingTrace, TOKEN_KINDS } from "./routing_trace.ts";
import type { UseHistoryOptions } from "./use_history.ts";

/** Options for {@linkcode belady}. */
export interface BeladyOptions {
  /** Slots of every layer, or of each: (layerCount) */
  slots: number | readonly number[];
  /**
   * Whether the tokens of prompts are counted, one by one, as if they were
   * decoded. Otherwise they do what they do in the engine: a chunk brings in
   * each of its experts, and some of them stay in slots.
   *
   * @default {false}
   */
  includePrefill?: boolean;
}

/** Options for {@linkcode replay}. */
export interface ReplayOptions extends BeladyOptions, UseHistoryOptions {
  /**
   * Which expert to evict.
   *
   * @default {"lru"}
   */
  policy?: PolicyName;
}

/** What a layer's cache counted: hits and misses of decoded tokens. */
export interface ReplayCounts {
  /** Uses that found their expert in a slot. */
  hits: number;
  /** Uses that did not. */
  misses: number;
  /** Experts that lost their slot to another, be it for a prompt. */
  evictions: number;
}

/** A token that is decoded, or a chunk of a prompt. */
interface Step {
  /** Experts by token, by rank: (T, topK) */
  readonly ids: number[];
  readonly isChunk: boolean;
}

/** What came of a replay: the sums, and each layer's share. */
export interface ReplayResult extends ReplayCounts {
  /** Share of the uses that were hits; 0 without uses. */
  hitRate: number;
  /** (layerCount) */
  layers: ReplayCounts[];
}

/**
 * Runs a trace through a cache for each layer, empty at first, as the engine
 * would: with the policy and the slots of the run that was traced, hits and
 * misses are those of the run. (The engine counts nothing in a layer that has a
 * slot for every expert.)
 *
 * @param trace The trace.
 * @param options Slots and policy.
 * @returns Hits, misses and evictions.
 * @throws {RangeError} If slots do not match the layers, or are fewer than
 * top-k or more than the experts.
 */
export function replay(
  trace: RoutingTrace,
  options: ReplayOptions,
): ReplayResult {
  const { expertCount, topK } = trace;
  return byLayer(trace, options, (steps, slotCount) => {
    const cache = new ExpertCache(slotCount, { ...options, expertCount });
    let hits = 0;
    let misses = 0;
    for (const { ids, isChunk } of steps) {
      if (isChunk) {
        cache.touch([...new Set(ids)]);
        cache.seed(seedsOf(ids, topK));
      } else {
        const found = cache.acquire(ids).hits;
        hits += found;
        misses += ids.length - found;
      }
    }
    return { hits, misses, evictions: cache.evictions };
  });
}

/**
 * The best that any policy could do that loads on demand: evicts the expert
 * whose next use is furthest away (L. A. Belady, IBM Systems Journal 5, 1966).
 *
 * @param trace The trace.
 * @param options Slots.
 * @returns Hits, misses and evictions; no policy has fewer misses.
 * @throws {RangeError} As {@linkcode replay} does.
 */
export function belady(
  trace: RoutingTrace,
  options: BeladyOptions,
): ReplayResult {
  return byLayer(trace, options, (steps, slotCount) => {
    const nextUses = nextUsesOf(steps);
    /** The experts in slots, and the step of their next use. */
    const residents = new Map<number, number>();
    const counts = { hits: 0, misses: 0, evictions: 0 };
    for (const [step, { ids, isChunk }] of steps.entries()) {
      if (isChunk) {
        // All pass by, so the best of them and of the residents can stay.
        for (const [i, id] of ids.entries()) {
          residents.set(id, nextUses[step]![i]!);
        }
        while (residents.size > slotCount) {
          residents.delete(furthest(residents, []));
        }
        continue;
      }
      for (const id of ids) {
        if (residents.has(id)) counts.hits++;
        else counts.misses++;
      }
      for (const id of ids) {
        if (!residents.has(id) && residents.size === slotCount) {
          residents.delete(furthest(residents, ids));
          counts.evictions++;
        }
        residents.set(id, Infinity);
      }
      for (const [rank, id] of ids.entries()) {
        residents.set(id, nextUses[step]![rank]!);
      }
    }
    return counts;
  });
}

/** The resident whose next use is furthest away and which is not kept. */
function furthest(
  residents: ReadonlyMap<number, number>,
  kept: readonly number[],
): number {
  let victim = -1;
  let furthest = -1;
  for (const [id, nextUse] of residents) {
    if (nextUse <= furthest || kept.includes(id)) continue;
    victim = id;
    furthest = nextUse;
  }
  return victim;
}

/**
 * For each use, the step in which the expert is used again; none if a chunk
 * brings it in before that.
 */
function nextUsesOf(steps: readonly Step[]): number[][] {
  const coming = new Map<number, number>();
  const nextUses: number[][] = [];
  for (let step = steps.length - 1; step >= 0; step--) {
    const { ids, isChunk } = steps[step]!;
    nextUses[step] = ids.map((id) => coming.get(id) ?? Infinity);
    for (const id of ids) coming.set(id, isChunk ? Infinity : step);
  }
  return nextUses;
}

/** Runs each layer's steps with its slots and adds up. */
function byLayer(
  trace: RoutingTrace,
  options: BeladyOptions,
  run: (steps: readonly Step[], slotCount: number) => ReplayCounts,
): ReplayResult {
  const { layerCount, topK, expertCount } = trace;
  const { slots } = options;
  if (typeof slots !== "number" && slots.length !== layerCount) {
    throw new RangeError(
      `Cannot replay: slots are listed for ${
        counted(slots.length, "layer")
      }, wanted one number for each of ${layerCount} layers`,
    );
  }
  const result: ReplayResult = {
    hits: 0,
    misses: 0,
    evictions: 0,
    hitRate: 0,
    layers: [],
  };
  for (let layer = 0; layer < layerCount; layer++) {
    const slotCount = typeof slots === "number" ? slots : slots[layer]!;
    if (!(slotCount >= topK && slotCount <= expertCount)) {
      throw new RangeError(
        `Cannot replay layer ${layer}: it gets ${
          counted(slotCount, "slot")
        }, wanted ${topK} to ${expertCount}`,
      );
    }
    const counts = run(stepsOf(trace, layer, options), slotCount);
    result.layers.push(counts);
    result.hits += counts.hits;
    result.misses += counts.misses;
    result.evictions += counts.evictions;
  }
  const uses = result.hits + result.misses;
  result.hitRate = uses > 0 ? result.hits / uses : 0;
  return result;
}

/** The steps of a layer: tokens, and chunks of prompts if not tokens as well. */
function stepsOf(
  trace: RoutingTrace,
  layer: number,
  { includePrefill = false }: BeladyOptions,
): Step[] {
  const steps: Step[] = [];
  for (const [token, kind] of trace.kinds.entries()) {
    const ids = expertsAt(trace, { token, layer });
    const isChunk = !includePrefill && TOKEN_KINDS[kind] !== "decode";
    const last = steps.at(-1);
    if (isChunk && TOKEN_KINDS[kind] === "prefill" && last?.isChunk) {
      last.ids.push(...ids);
    } else {
      steps.push({ ids, isChunk });
    }
  }
  return steps;
}
