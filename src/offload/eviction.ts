import { DECAYED_USE_UNIT, type UseHistory } from "./use_history.ts";

/**
 * Scores an expert that sits in a slot: the lowest score is evicted first.
 *
 * Scores are u32, computed by u32 arithmetic alone, so that a WGSL kernel can
 * find the same victims. Between equal scores the lowest slot goes first: on
 * the routing of stories-17m that is as good as the least recently used one, or
 * better (up to 0.02 with lfu).
 *
 * @param history What is known about the uses of the layer's experts.
 * @param id The expert within the layer.
 */
export type EvictionPolicy = (history: UseHistory, id: number) => number;

/** The name of an eviction policy. */
export type PolicyName = "lru" | "lfu" | "class-lru";

/** The eviction policies by name. */
export const POLICIES: Readonly<Record<PolicyName, EvictionPolicy>> = {
  "lru": lru,
  "lfu": lfu,
  "class-lru": classLru,
};

/** The policy that is used when none is named. */
export const DEFAULT_POLICY: PolicyName = "lru";

/** How many frequency classes {@linkcode classLru} has. */
const CLASS_COUNT = 8;

/** Ages are cut off here, so that an age shifted by 7 bits stays a u32. */
const AGE_MAX = 0xffffff;

/**
 * Evicts the least recently used expert.
 *
 * @param history What is known about the uses.
 * @param id The expert.
 * @returns The step of its last use.
 */
export function lru(history: UseHistory, id: number): number {
  return history.lastUsed[id]!;
}

/**
 * Evicts the least frequently used expert.
 *
 * @param history What is known about the uses.
 * @param id The expert.
 * @returns Its uses since it was loaded.
 */
export function lfu(history: UseHistory, id: number): number {
  return history.uses[id]!;
}

/**
 * Evicts the expert with the largest age / 2 ** class, where the class is that
 * of its decayed use count, kept across evictions: an expert that was used
 * twice as often may stay unused for twice as long.
 *
 * The rule is that of ClassLRU in llama.cpp (`src/llama-moe-cache.cpp`).
 * Divisions are avoided: age / 2 ** class orders like age << (7 - class).
 *
 * @param history What is known about the uses.
 * @param id The expert.
 * @returns 2 ** 32 - 1 - (min(age, 2 ** 24 - 1) << (7 - class)).
 */
export function classLru(history: UseHistory, id: number): number {
  const age = Math.min(history.clock - history.lastUsed[id]!, AGE_MAX);
  const shift = CLASS_COUNT - 1 - frequencyClass(history.decayedUses[id]!);
  return 0xffffffff - ((age << shift) >>> 0);
}

/**
 * The frequency class of a decayed use count: floor(log2(count)), 0 to 7.
 *
 * In WGSL: `firstLeadingBit(max(decayedUses >> 8u, 1u))`.
 *
 * @param decayedUses The count in units of 1 / 256, at most 16 bits.
 * @returns The class.
 */
export function frequencyClass(decayedUses: number): number {
  const uses = Math.floor(decayedUses / DECAYED_USE_UNIT);
  return 31 - Math.clz32(Math.max(uses, 1));
}
