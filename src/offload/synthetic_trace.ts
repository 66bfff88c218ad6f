import { NO_EXPERT, type RoutingTrace } from "./routing_trace.ts";
import { checkTraceHeader } from "./trace_header.ts";

/** Options for {@linkcode syntheticTrace}. */
export interface SyntheticTraceOptions {
  /** Same seed, same trace: a whole number. */
  seed: number;
  /** How many tokens are decoded. */
  tokenCount: number;
  /**
   * Layers.
   *
   * @default {32}
   */
  layerCount?: number;
  /**
   * Experts of a layer.
   *
   * @default {8}
   */
  expertCount?: number;
  /**
   * Experts of a token in a layer.
   *
   * @default {2}
   */
  topK?: number;
  /**
   * How likely an expert is one of the token before rather than drawn anew, for
   * every layer or for each: 0 is no memory, 1 never changes.
   *
   * @default {0.15} about Mixtral's mean hit rate with 2 slots
   */
  locality?: number | readonly number[];
  /**
   * How likely each expert is when drawn anew, in any unit, for each layer;
   * lists are repeated when there are fewer: (layers, expertCount)
   *
   * @default {undefined} all alike
   */
  popularity?: readonly (readonly number[])[];
  /**
   * Experts guessed for each layer but the first.
   *
   * @default {3}
   */
  guessCount?: number;
  /**
   * How likely an expert in use is among the guesses.
   *
   * @default {0.9}
   */
  guessRecall?: number;
}

/**
 * Makes up a routing trace, for tests and benchmarks. It resembles no text.
 *
 * @param options Shape, locality and seed.
 * @returns The trace.
 * @throws {RangeError} If the shape is of no model.
 */
export function syntheticTrace(options: SyntheticTraceOptions): RoutingTrace {
  const { seed, tokenCount, locality = 0.15, guessRecall = 0.9 } = options;
  const { layerCount = 32, expertCount = 8, topK = 2 } = options;
  const { guessCount = Math.min(3, expertCount) } = options;
  const model = `synthetic, seed ${seed}`;
  const shape = { model, layerCount, expertCount, topK, guessCount };
  const places = tokenCount * layerCount;
  const trace: RoutingTrace = {
    ...checkTraceHeader(shape),
    tokenCount,
    kinds: new Uint8Array(tokenCount),
    experts: new Uint16Array(places * topK),
    weights: new Float32Array(places * topK),
    guesses: new Uint16Array(places * guessCount).fill(NO_EXPERT),
  };
  const random = mulberry32(seed);
  for (let layer = 0; layer < layerCount; layer++) {
    const popular = options.popularity?.[layer % options.popularity.length] ??
      Array(expertCount).fill(1);
    const stay = typeof locality === "number" ? locality : locality[layer] ?? 0;
    let last: number[] = [];
    for (let token = 0; token < tokenCount; token++) {
      const place = token * layerCount + layer;
      last = nextExperts(last, { topK, stay, popular, random });
      trace.experts.set(last, place * topK);
      trace.weights.set(weightsOf(topK, random), place * topK);
      if (layer === 0) continue;
      const guess = guessAt(last, { guessCount, guessRecall, popular, random });
      trace.guesses.set(guess, place * guessCount);
    }
  }
  return trace;
}

/** Each expert is one of the last token's, or drawn by popularity. */
function nextExperts(
  last: readonly number[],
  options: {
    topK: number;
    stay: number;
    popular: readonly number[];
    random: () => number;
  },
): number[] {
  const { topK, stay, popular, random } = options;
  const chosen: number[] = [];
  while (chosen.length < topK) {
    const kept = last.filter((id) => !chosen.includes(id));
    const stays = random() < stay && kept.length > 0;
    chosen.push(
      stays
        ? kept[Math.floor(random() * kept.length)]!
        : draw(popular, { without: chosen, random }),
    );
  }
  return chosen;
}

/** Draws an expert by its popularity. */
function draw(
  popular: readonly number[],
  options: { without: readonly number[]; random: () => number },
): number {
  const { without, random } = options;
  const shares = popular.map((share, id) => without.includes(id) ? 0 : share);
  let rest = random() * shares.reduce((sum, share) => sum + share, 0);
  for (const [id, share] of shares.entries()) {
    rest -= share;
    if (share > 0 && rest < 0) return id;
  }
  return popular.findIndex((_, id) => !without.includes(id));
}

/** The experts, each with some luck, then others. */
function guessAt(
  experts: readonly number[],
  options: {
    guessCount: number;
    guessRecall: number;
    popular: readonly number[];
    random: () => number;
  },
): number[] {
  const { guessCount, guessRecall, popular, random } = options;
  const right = experts.filter(() => random() < guessRecall);
  const wrong = popular.map((_, id) => id).filter((id) =>
    !experts.includes(id)
  );
  while (right.length < guessCount && wrong.length > 0) {
    right.push(...wrong.splice(Math.floor(random() * wrong.length), 1));
  }
  const missing = guessCount - right.length;
  const none = missing > 0 ? Array(missing).fill(NO_EXPERT) : [];
  return [...right.slice(0, guessCount), ...none];
}

/** Weights that fall with the rank and sum to 1. */
function weightsOf(topK: number, random: () => number): number[] {
  const raw = Array.from({ length: topK }, () => random() + 0.01)
    .sort((a, b) => b - a);
  const sum = raw.reduce((total, value) => total + value, 0);
  return raw.map((value) => value / sum);
}

/** Seeded numbers in [0, 1): Tommy Ettinger's mulberry32, public domain. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
