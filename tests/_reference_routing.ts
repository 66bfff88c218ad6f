/** What the routers of a model choose and guess, in plain loops. */

import {
  add,
  attention,
  combine,
  embed,
  matvec,
  rmsNorm,
  rope,
  route,
  swiglu,
} from "../src/model/plain_math.ts";
import type { ReferenceWeights } from "./_reference_weights.ts";

/** The routing of a token in a layer. */
export interface LayerRouting {
  /** The experts, best first. */
  readonly experts: number[];
  /** Their weights. */
  readonly weights: ArrayLike<number>;
  /** The guesses about the layer so many layers on, likeliest first, by depth. */
  readonly guesses: ReadonlyMap<number, number[]>;
}

/**
 * Runs tokens one by one.
 *
 * @param model The weights.
 * @param ids The tokens.
 * @param options How many layers ahead routers guess, and how many experts.
 * @returns For each token, the routing of each layer.
 */
export function* referenceRouting(
  { config, embedding, layers }: ReferenceWeights,
  ids: readonly number[],
  { depths, guessCount }: { depths: readonly number[]; guessCount: number },
): Generator<LayerRouting[]> {
  const { hiddenSize, headDim, ropeTheta, rmsNormEps } = config;
  const keys: Float64Array[][] = layers.map(() => []);
  const values: Float64Array[][] = layers.map(() => []);
  for (const [position, id] of ids.entries()) {
    const rotation = { headDim, position, ropeTheta };
    let x = embed(embedding, id, hiddenSize);
    yield layers.map((layer, i) => {
      const xb = rmsNorm(x, layer.inputNorm, rmsNormEps);
      const q = rope(matvec(layer.q, xb), rotation);
      keys[i]!.push(rope(matvec(layer.k, xb), rotation));
      values[i]!.push(matvec(layer.v, xb));
      const a = attention(q, keys[i]!, values[i]!, {
        headCount: config.numAttentionHeads,
        kvHeadCount: config.numKeyValueHeads,
        window: config.slidingWindow ?? 0,
      });
      x = add(x, matvec(layer.o, a));
      const xm = rmsNorm(x, layer.postAttentionNorm, rmsNormEps);
      const routing = route(matvec(layer.gate, xm), config.numExpertsPerTok);
      const { ids: experts, weights } = routing;
      const guesses = new Map<number, number[]>();
      for (const depth of depths) {
        const later = layers[i + depth];
        // A later layer's router on this layer's hidden state.
        if (later === undefined) continue;
        guesses.set(depth, [...route(matvec(later.gate, xm), guessCount).ids]);
      }
      const y = experts.map((id) => {
        const { w1, w2, w3 } = layer.experts[id]!;
        return matvec(w2, swiglu(matvec(w1, xm), matvec(w3, xm)));
      });
      x = combine(x, y, weights);
      return { experts: [...experts], weights, guesses };
    });
  }
}
