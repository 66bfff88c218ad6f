/** Where tokens went, and whether two runs may rightly differ in that. */

import type { RoutingListener } from "../model/routing_reader.ts";

/** Where a token went in a layer. */
export interface TokenRouting {
  /** Experts, best first (topK). */
  readonly ids: readonly number[];
  /** Their weights (topK). */
  readonly weights: readonly number[];
}

/** Where tokens went: by layer and position. */
export type Routings = readonly (readonly TokenRouting[])[];

/** Tokens that ran, and where routers sent them. */
export interface RoutedRun {
  /** Logits (vocabSize): of every position, or of the last. */
  readonly logits: readonly Float32Array[];
  /** Where tokens went. */
  readonly routings: Routings;
}

/** Keeps what a model's routers chose, run by run. */
export class RoutingLog {
  readonly #topK: number;
  #layers: TokenRouting[][];

  /**
   * Begins the first run.
   *
   * @param config What the model is.
   */
  constructor(
    { numHiddenLayers, numExpertsPerTok }: {
      readonly numHiddenLayers: number;
      readonly numExpertsPerTok: number;
    },
  ) {
    this.#topK = numExpertsPerTok;
    this.#layers = Array.from({ length: numHiddenLayers }, () => []);
  }

  /** For `LoadOptions.onRouting`. */
  readonly listen: RoutingListener = (layer, { ids, weights }) => {
    for (let at = 0; at < ids.length; at += this.#topK) {
      this.#layers[layer]!.push({
        ids: [...ids.subarray(at, at + this.#topK)],
        weights: [...weights.subarray(at, at + this.#topK)],
      });
    }
  };

  /**
   * Ends a run and begins the next.
   *
   * @returns Where its tokens went.
   */
  take(): Routings {
    const taken = this.#layers;
    this.#layers = taken.map(() => []);
    return taken;
  }
}

/** A token that went to other experts. */
export interface RoutingDifference {
  readonly layer: number;
  readonly position: number;
  /** An expert that only one of the runs chose. */
  readonly actual: number;
  /** One that only the other chose. */
  readonly expected: number;
  /**
   * How far the router's outputs for the two are apart, as far as the weights tell;
   * Infinity if they do not.
   */
  readonly gap: number;
}

/**
 * Finds the first token that went to other experts. Layers of a position come
 * before the next position, since what a token does shows in those after it.
 *
 * @param actual Where tokens went in a run.
 * @param expected Where they went in another; of both the first positions count.
 * @returns The first difference; `null` if there is none.
 */
export function firstRoutingDifference(
  actual: Routings,
  expected: Routings,
): RoutingDifference | null {
  const count = Math.min(actual[0]!.length, expected[0]!.length);
  for (let position = 0; position < count; position++) {
    for (let layer = 0; layer < actual.length; layer++) {
      const a = actual[layer]![position]!;
      const b = expected[layer]![position]!;
      const added = a.ids.find((id) => !b.ids.includes(id));
      const missing = b.ids.find((id) => !a.ids.includes(id));
      if (added === undefined || missing === undefined) continue;
      const gap = gapOf(a, b, { added, missing });
      return { layer, position, actual: added, expected: missing, gap };
    }
  }
  return null;
}

/**
 * Weights are softmax over the chosen, so the logarithm of their ratio is the
 * difference of the router's outputs: with an expert that both chose as the measure,
 * the two others can be compared.
 */
function gapOf(
  a: TokenRouting,
  b: TokenRouting,
  { added, missing }: { added: number; missing: number },
): number {
  const common = a.ids.find((id) => b.ids.includes(id));
  if (common === undefined) return Infinity;
  const above = ({ ids, weights }: TokenRouting, id: number) =>
    Math.log(weights[ids.indexOf(id)]! / weights[ids.indexOf(common)]!);
  return Math.abs(above(a, added) - above(b, missing));
}
