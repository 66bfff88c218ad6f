/** What `verify` compares: numbers and options only. */

import type { LoadOptions } from "./load_options.ts";

/** Prompt lengths on both sides of where other kernels take over. */
const LENGTHS: readonly number[] = [2, 8, 9, 24, 25, 64, 65, 383, 384, 385];
/** The same, as few as may be. */
const QUICK_LENGTHS: readonly number[] = [2, 9, 25, 65];

/**
 * Chooses the lengths of prompts that are to give what single tokens give.
 *
 * @param length How many tokens there are.
 * @param isQuick Whether to choose few.
 * @returns Lengths, ascending, the last all tokens.
 */
export function verifyLengths(length: number, isQuick: boolean): number[] {
  const lengths = isQuick ? QUICK_LENGTHS : LENGTHS;
  return [...lengths.filter((n) => n < length), length];
}

/** A way to load the model that is to give the same bits. */
export type VerifyWay = Pick<
  LoadOptions,
  "slots" | "policy" | "prefetch" | "residency" | "store"
>;

/** What {@linkcode verifyWays} is given. */
export interface VerifyWaysOptions {
  /** How the user loads the model. */
  readonly load: LoadOptions;
  /** Slots of each layer with these options. */
  readonly slots: readonly number[];
  /** Experts of a layer. */
  readonly expertCount: number;
  /** Experts of a token. */
  readonly topK: number;
  /** Whether to choose few. */
  readonly isQuick: boolean;
}

/**
 * Chooses ways to offload experts: many slots and as few as there can be, every
 * policy, prefetch on and off, decided by the GPU and by the host, every store. A
 * store or a budget of RAM that the user asks for holds for all of them.
 *
 * @param options The model, and how the user loads it.
 * @returns How to load it; none if every token goes to all experts.
 */
export function verifyWays(options: VerifyWaysOptions): VerifyWay[] {
  const { load, slots, expertCount, topK, isQuick } = options;
  if (topK >= expertCount) return [];
  // The user's own slots, unless these leave nothing off the GPU.
  const asPlanned = slots.some((count) => count < expertCount)
    ? [...slots]
    : Math.max(topK, Math.ceil(expertCount / 2));
  const few = topK;
  const ways: VerifyWay[] = [
    { slots: asPlanned, policy: "lru", prefetch: "off", residency: "gpu" },
    {
      slots: few,
      policy: "class-lru",
      prefetch: "next-layer",
      residency: "gpu",
    },
    {
      slots: few,
      policy: "lru",
      prefetch: "next-layer",
      residency: "cpu",
    },
    { slots: asPlanned, policy: "lfu", prefetch: "off", residency: "cpu" },
  ];
  if (load.store === undefined || load.store === "auto") {
    for (const store of ["array-buffer", "disk"] as const) {
      const how = { policy: "lru", prefetch: "off", residency: "cpu" } as const;
      ways.push({ slots: few, ...how, store });
    }
  }
  return isQuick ? ways.slice(1, 3) : ways;
}

/** How long the steps of the plain reference take: nanoseconds a weight. */
export interface PlainSpeed {
  /** Reading a matrix and computing its weights. */
  readonly weightNs: number;
  /** Multiplying a row by it, in float64 and in float32. */
  readonly multiplyNs: number;
}

/** Weights of a model. */
export interface WeightCounts {
  /** Layers. */
  readonly layerCount: number;
  /** Experts of a layer. */
  readonly expertCount: number;
  /** Experts of a token. */
  readonly topK: number;
  /** Weights of a layer's attention. */
  readonly attention: number;
  /** Weights of an expert. */
  readonly expert: number;
  /** Weights of the head. */
  readonly head: number;
}

/** Workers share memory and wait for one another. */
const WORKER_SHARE = 0.6;

/**
 * Estimates how long the plain reference takes.
 *
 * @param positionCount Positions.
 * @param options The model, how fast it goes, and workers.
 * @returns Milliseconds.
 */
export function estimateReferenceMs(
  positionCount: number,
  { counts, speed, workerCount }: {
    counts: WeightCounts;
    speed: PlainSpeed;
    workerCount: number;
  },
): number {
  const { layerCount, expertCount, topK, attention, expert, head } = counts;
  // If tokens choose evenly, so many experts are chosen by somebody.
  const chosen = expertCount *
    (1 - (1 - topK / expertCount) ** positionCount);
  const read = layerCount * (attention + chosen * expert) + head;
  const multiplied = positionCount *
    (layerCount * (attention + topK * expert) + head);
  const ns = read * speed.weightNs + multiplied * speed.multiplyNs;
  return ns / 1e6 / Math.max(1, workerCount * WORKER_SHARE);
}

/**
 * Chooses how many positions the plain reference computes.
 *
 * @param budgetMs Milliseconds that it may take.
 * @param options As for {@linkcode estimateReferenceMs}, and the most positions.
 * @returns At least 1.
 */
export function choosePositions(
  budgetMs: number,
  { limit, ...options }:
    & Parameters<typeof estimateReferenceMs>[1]
    & { limit: number },
): number {
  let count = 1;
  while (
    count < limit && estimateReferenceMs(count + 1, options) <= budgetMs
  ) count++;
  return count;
}
