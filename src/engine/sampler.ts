import { clampLogit } from "./clamp_logit.ts";
import { largest } from "./largest.ts";
import { noNumbers } from "./non_finite_error.ts";

/** How to pick a token. */
export interface SamplerOptions {
  /** Logits are divided by it; 0 picks the most probable token. */
  temperature: number;
  /** Keep the k most probable tokens; 0 keeps all. */
  topK: number;
  /** Keep the fewest tokens whose probabilities sum to at least p. */
  topP: number;
  /** Keep tokens at least p times as probable as the most probable one. */
  minP: number;
  /** Above 1, tokens of the window become less likely; 1 does nothing. */
  repetitionPenalty: number;
  /** Taken off the logit of each token that the window holds. */
  presencePenalty: number;
  /** Taken off a logit once for each time that the window holds its token. */
  frequencyPenalty: number;
  /** How many of the last tokens the penalties see; -1 means all. */
  penaltyWindow: number;
}

/** The tokens that may be picked, and how probable each is. */
export interface Candidates {
  /** Token ids. */
  ids: Uint32Array;
  /** Weights in proportion to the probabilities. */
  weights: Float64Array;
}

/**
 * Room for the rounding of float32 logits when probabilities are compared with
 * a threshold.
 */
const ROUNDING = 1e-6;

/** Tokens that top-p looks at first; more only if they do not suffice. */
const FIRST_LOOK = 256;

/**
 * Logits to a token: penalties, then top-k, top-p, min-p, temperature, in the
 * order of llama.cpp. So top-p and min-p see the distribution at temperature 1.
 * It holds no random state and never changes the logits.
 */
export class Sampler {
  readonly #options: SamplerOptions;
  readonly #counts: Map<number, number> = new Map();
  // Reused from token to token; (vocabSize), made by the first one.
  #penalized = new Float32Array(0);
  #ids = new Uint32Array(0);
  #weights = new Float64Array(0);

  /**
   * Makes a sampler.
   *
   * @param options How to pick; values are checked by `resolveOptions()`.
   */
  constructor(options: SamplerOptions) {
    this.#options = options;
  }

  /**
   * Picks a token. At temperature 0 that is the most probable one, the lowest
   * id among equals.
   *
   * @param logits (vocabSize)
   * @param context All ids so far, for the penalties.
   * @param random Gives numbers in [0, 1); called once, and not at
   * temperature 0.
   * @returns The id.
   */
  sample(
    logits: Float32Array,
    context: readonly number[],
    random: () => number,
  ): number {
    if (this.#options.temperature === 0) {
      return argmax(this.#penalize(logits, context));
    }
    const { ids, weights } = this.candidates(logits, context);
    let sum = 0;
    for (const weight of weights) sum += weight;
    let left = random() * sum;
    for (let i = 0; i < ids.length; i++) {
      left -= weights[i]!;
      if (left < 0) return ids[i]!;
    }
    // Rounding may leave a crumb; it belongs to the last possible token.
    return ids[weights.findLastIndex((weight) => weight > 0)]!;
  }

  /**
   * The tokens that may be picked. Sorted, most probable first, if top-k or
   * top-p is on.
   *
   * @param logits (vocabSize)
   * @param context All ids so far, for the penalties.
   * @returns Views that are valid until the next call.
   */
  candidates(logits: Float32Array, context: readonly number[]): Candidates {
    this.#reserve(logits.length);
    const { temperature } = this.#options;
    const scores = this.#penalize(logits, context);
    const best = argmax(scores);
    const max = scores[best]!;
    const ids = this.#ids;
    if (temperature === 0) ids[0] = best;
    const count = temperature === 0 ? 1 : this.#filter(scores, max);
    const weights = this.#weights;
    for (let i = 0; i < count; i++) {
      const below = scores[ids[i]!]! - max; // at most 0
      weights[i] = below === 0 ? 1 : Math.exp(below / temperature);
    }
    return { ids: ids.subarray(0, count), weights: weights.subarray(0, count) };
  }

  /** Puts the ids that may be picked first into `#ids`; returns how many. */
  #filter(scores: Float32Array, max: number): number {
    const { topK, topP, minP } = this.#options;
    const ids = this.#ids;
    const vocabSize = scores.length;
    let count = vocabSize;
    let sorted = false;
    if (topK > 0 && topK < vocabSize) {
      count = topK;
      largest(scores, count, ids);
      sorted = true;
    } else {
      for (let id = 0; id < vocabSize; id++) ids[id] = id;
    }
    if (topP < 1) {
      let sum = 0;
      for (let i = 0; i < count; i++) sum += Math.exp(scores[ids[i]!]! - max);
      const wanted = (topP - ROUNDING) * sum;
      count = sorted
        ? nucleus(scores, ids, { count, max, wanted }) ?? count
        : sortedNucleus(scores, ids, { count, max, wanted });
    }
    if (minP > 0) {
      const threshold = max + Math.log(minP) - ROUNDING;
      let kept = 0;
      for (let i = 0; i < count; i++) {
        if (scores[ids[i]!]! >= threshold) ids[kept++] = ids[i]!;
      }
      count = kept;
    }
    return count;
  }

  /**
   * The logits less the penalties for the tokens of the window: the logits
   * themselves if there are none.
   */
  #penalize(logits: Float32Array, context: readonly number[]): Float32Array {
    const { repetitionPenalty, presencePenalty, frequencyPenalty } =
      this.#options;
    const { penaltyWindow } = this.#options;
    if (!hasPenalties(this.#options) || context.length === 0) return logits;
    this.#reserve(logits.length);
    const counts = this.#counts;
    counts.clear();
    const start = penaltyWindow < 0
      ? 0
      : Math.max(0, context.length - penaltyWindow);
    for (let i = start; i < context.length; i++) {
      const id = context[i]!;
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    const scores = this.#penalized;
    scores.set(logits);
    for (const [id, count] of counts) {
      if (id >= scores.length) continue;
      const logit = scores[id]!;
      if (!Number.isFinite(logit)) continue; // it stays what it is
      // Dividing would make a negative logit more likely.
      const scaled = clampLogit(
        logit > 0 ? logit / repetitionPenalty : logit * repetitionPenalty,
      );
      const less = clampLogit(scaled - count * frequencyPenalty);
      scores[id] = clampLogit(less - presencePenalty);
    }
    return scores;
  }

  #reserve(vocabSize: number): void {
    if (this.#ids.length === vocabSize) return;
    this.#penalized = new Float32Array(vocabSize);
    this.#ids = new Uint32Array(vocabSize);
    this.#weights = new Float64Array(vocabSize);
  }
}

/**
 * Whether a token is just the largest logit: then the GPU may pick it.
 *
 * @param options How to pick.
 * @returns Whether nothing but the logits counts.
 */
export function isPlainGreedy(options: SamplerOptions): boolean {
  return options.temperature === 0 && !hasPenalties(options);
}

function hasPenalties(
  { repetitionPenalty, presencePenalty, frequencyPenalty, penaltyWindow }:
    SamplerOptions,
): boolean {
  const isOff = repetitionPenalty === 1 && presencePenalty === 0 &&
    frequencyPenalty === 0;
  return !isOff && penaltyWindow !== 0;
}

/** What top-p cuts. */
interface NucleusOptions {
  /** How many of the ids are there. */
  count: number;
  /** The largest score, whose weight is 1. */
  max: number;
  /** The sum of weights to reach. */
  wanted: number;
}

/** How many ids, largest first, reach the wanted sum; none if all do not. */
function nucleus(
  scores: Float32Array,
  ids: Uint32Array,
  { count, max, wanted }: NucleusOptions,
): number | undefined {
  let sum = 0;
  for (let i = 0; i < count; i++) {
    sum += Math.exp(scores[ids[i]!]! - max);
    if (sum >= wanted) return i + 1;
  }
  return undefined;
}

/** As `nucleus()`, over all ids, sorting no more of them than it must. */
function sortedNucleus(
  scores: Float32Array,
  ids: Uint32Array,
  { count, max, wanted }: NucleusOptions,
): number {
  let look = Math.min(FIRST_LOOK, count);
  while (true) {
    largest(scores, look, ids);
    const found = nucleus(scores, ids, { count: look, max, wanted });
    if (found !== undefined) return found;
    if (look === count) return count;
    look = Math.min(look * 8, count);
  }
}

/** The id of the largest score, the lowest among equals. */
function argmax(scores: Float32Array): number {
  let best = -1;
  let max = -Infinity;
  for (let id = 0; id < scores.length; id++) {
    const score = scores[id]!;
    if (score > max) {
      max = score;
      best = id;
    } else if (Number.isNaN(score)) {
      best = -1;
      break;
    }
  }
  if (best < 0 || max === Infinity) throw noNumbers();
  return best;
}
