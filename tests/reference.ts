/**
 * Mixtral in plain loops: the specification.
 *
 * Every kernel and the whole model are tested against this file. It is written
 * to be read, not to be fast: weights are float32, everything else float64, one
 * token at a time. It shares no code with `src/ops/` and `kernels/`.
 *
 * The model is the one of Hugging Face (transformers, `modeling_mixtral.py`),
 * whose numbers `tests/forward_test.ts` compares it with.
 */

import type { ModelConfig } from "../src/model/config.ts";

/** Weights of a layer; a matrix W (N, K) is row by row, y (N) = W x (K). */
export interface ReferenceLayer {
  readonly inputNorm: Float32Array; //          (hiddenSize)
  readonly q: Float32Array; //                  (heads * headDim, hiddenSize)
  readonly k: Float32Array; //                  (kvHeads * headDim, hiddenSize)
  readonly v: Float32Array; //                  (kvHeads * headDim, hiddenSize)
  readonly o: Float32Array; //                  (hiddenSize, heads * headDim)
  readonly postAttentionNorm: Float32Array; //  (hiddenSize)
  readonly gate: Float32Array; //               (experts, hiddenSize)
  readonly experts: readonly ReferenceExpert[];
}

/** Weights of an expert. */
export interface ReferenceExpert {
  readonly w1: Float32Array; //  (intermediateSize, hiddenSize)
  readonly w2: Float32Array; //  (hiddenSize, intermediateSize)
  readonly w3: Float32Array; //  (intermediateSize, hiddenSize)
}

/** Weights of a model. */
export interface ReferenceWeights {
  readonly config: ModelConfig;
  readonly embedding: Float32Array; //  (vocabSize, hiddenSize)
  readonly layers: readonly ReferenceLayer[];
  readonly norm: Float32Array; //       (hiddenSize)
  readonly lmHead: Float32Array; //     (vocabSize, hiddenSize)
}

/** Numbers of a token. */
export type Vector = ArrayLike<number>;

/** A model with its KV cache. */
export class ReferenceMixtral {
  readonly #weights: ReferenceWeights;
  readonly #keys: Float64Array[][]; //    by layer and position (kvHeads * headDim)
  readonly #values: Float64Array[][]; //  as the keys

  constructor(weights: ReferenceWeights) {
    this.#weights = weights;
    this.#keys = weights.layers.map(() => []);
    this.#values = weights.layers.map(() => []);
  }

  /** Runs the next token. */
  step(token: number): StepResult {
    const { config, embedding, layers, norm, lmHead } = this.#weights;
    const { hiddenSize, headDim, ropeTheta, rmsNormEps } = config;
    const position = this.#keys[0]!.length;
    const rotation = { headDim, position, ropeTheta };
    const routings: ReferenceRouting[] = [];

    let x = embed(embedding, token, hiddenSize);
    for (const [i, layer] of layers.entries()) {
      // attention
      const xb = rmsNorm(x, layer.inputNorm, rmsNormEps);
      const q = rope(matvec(layer.q, xb), rotation);
      this.#keys[i]!.push(rope(matvec(layer.k, xb), rotation));
      this.#values[i]!.push(matvec(layer.v, xb));
      const a = attention(q, this.#keys[i]!, this.#values[i]!, {
        headCount: config.numAttentionHeads,
        kvHeadCount: config.numKeyValueHeads,
        window: config.slidingWindow ?? 0,
      });
      x = add(x, matvec(layer.o, a));

      // mixture of experts
      const xm = rmsNorm(x, layer.postAttentionNorm, rmsNormEps);
      const routing = route(matvec(layer.gate, xm), config.numExpertsPerTok);
      const y = routing.ids.map((id) => expert(xm, layer.experts[id]!));
      x = combine(x, y, routing.weights);
      routings.push(routing);
    }
    const logits = matvec(lmHead, rmsNorm(x, norm, rmsNormEps));
    return { logits, routings };
  }
}

/** What a token gave. */
export interface StepResult {
  /** (vocabSize) */
  readonly logits: Float64Array;
  /** By layer. */
  readonly routings: readonly ReferenceRouting[];
}

/** Where a token goes in a layer. */
export interface ReferenceRouting {
  /** The router's output (experts). */
  readonly logits: Vector;
  /** The chosen experts, best first (topK). */
  readonly ids: readonly number[];
  /** Their weights, which sum to 1 (topK). */
  readonly weights: readonly number[];
}

/**
 * Computes the logits of every position, from an empty cache.
 *
 * @param weights The model.
 * @param ids Token ids (T).
 * @returns The logits (T, vocabSize), and the routings by position and layer.
 */
export function referenceLogits(
  weights: ReferenceWeights,
  ids: readonly number[],
): { logits: Float64Array; routings: (readonly ReferenceRouting[])[] } {
  const model = new ReferenceMixtral(weights);
  const { vocabSize } = weights.config;
  const logits = new Float64Array(ids.length * vocabSize);
  const routings = [];
  for (const [t, id] of ids.entries()) {
    const result = model.step(id);
    logits.set(result.logits, t * vocabSize);
    routings.push(result.routings);
  }
  return { logits, routings };
}

/** The row of a token. */
export function embed(
  embedding: Float32Array, // (vocabSize, width)
  token: number,
  width: number,
): Float64Array {
  return Float64Array.from(
    embedding.subarray(token * width, (token + 1) * width),
  );
}

/** weight * x / sqrt(mean(x^2) + epsilon) */
export function rmsNorm(
  x: Vector, // (K)
  weight: Float32Array, // (K)
  epsilon: number,
): Float64Array {
  let squares = 0;
  for (let k = 0; k < x.length; k++) squares += x[k]! ** 2;
  const scale = 1 / Math.sqrt(squares / x.length + epsilon);
  return Float64Array.from(weight, (w, k) => w * x[k]! * scale);
}

/** W x */
export function matvec(
  w: Vector, // (N, K)
  x: Vector, // (K)
): Float64Array { // (N)
  const K = x.length;
  const y = new Float64Array(w.length / K);
  for (let n = 0; n < y.length; n++) {
    let sum = 0;
    for (let k = 0; k < K; k++) sum += w[n * K + k]! * x[k]!;
    y[n] = sum;
  }
  return y;
}

/**
 * Turns each pair (i, i + headDim / 2) of each head by position *
 * theta^(-2 i / headDim), as `rotate_half` does.
 */
export function rope(
  x: Vector, // (heads * headDim)
  { headDim, position, ropeTheta }: {
    headDim: number;
    position: number;
    ropeTheta: number;
  },
): Float64Array {
  const half = headDim / 2;
  const y = new Float64Array(x.length);
  for (let start = 0; start < x.length; start += headDim) {
    for (let i = 0; i < half; i++) {
      const angle = position * ropeTheta ** (-2 * i / headDim);
      const a = x[start + i]!;
      const b = x[start + i + half]!;
      y[start + i] = a * Math.cos(angle) - b * Math.sin(angle);
      y[start + i + half] = b * Math.cos(angle) + a * Math.sin(angle);
    }
  }
  return y;
}

/** How many heads, and how many positions a token sees; 0 for all. */
export interface HeadOptions {
  readonly headCount: number;
  readonly kvHeadCount: number;
  readonly window: number;
}

/**
 * softmax(q k^T / sqrt(headDim)) v for the newest token: it sees itself and what
 * came before. headCount / kvHeadCount heads of q share a head of k and v.
 */
export function attention(
  q: Vector, // (heads * headDim)
  keys: readonly Vector[], // (positions, kvHeads * headDim)
  values: readonly Vector[], // (positions, kvHeads * headDim)
  options: HeadOptions,
): Float64Array { // (heads * headDim)
  const headDim = q.length / options.headCount;
  const a = new Float64Array(q.length);
  for (let head = 0; head < options.headCount; head++) {
    const { first, scores, kvStart } = headScores(q, keys, {
      ...options,
      head,
    });
    const weights = softmax(scores);
    for (const [j, weight] of weights.entries()) {
      for (let i = 0; i < headDim; i++) {
        a[head * headDim + i]! += weight * values[first + j]![kvStart + i]!;
      }
    }
  }
  return a;
}

/** q k^T / sqrt(headDim) of one head, for the positions that it sees. */
export function headScores(
  q: Vector,
  keys: readonly Vector[],
  { head, headCount, kvHeadCount, window }: HeadOptions & { head: number },
): { first: number; scores: Float64Array; kvStart: number } {
  const headDim = q.length / headCount;
  const kvStart = Math.floor(head / (headCount / kvHeadCount)) * headDim;
  const first = window === 0 ? 0 : Math.max(0, keys.length - window);
  const scores = new Float64Array(keys.length - first);
  for (let j = 0; j < scores.length; j++) {
    let sum = 0;
    for (let i = 0; i < headDim; i++) {
      sum += q[head * headDim + i]! * keys[first + j]![kvStart + i]!;
    }
    scores[j] = sum / Math.sqrt(headDim);
  }
  return { first, scores, kvStart };
}

/** exp(x) / sum of exp(x) */
export function softmax(x: Vector): Float64Array {
  const highest = Math.max(...Array.from(x));
  const e = Float64Array.from(x, (v) => Math.exp(v - highest));
  const total = e.reduce((sum, v) => sum + v, 0);
  return e.map((v) => v / total);
}

/**
 * The topK most probable experts, of equal ones the lower id first, and their
 * share of the probability of the chosen.
 */
export function route(logits: Vector, topK: number): ReferenceRouting {
  const probability = softmax(logits); // (experts)
  const ids = Array.from(probability, (_, id) => id)
    .sort((a, b) => logits[b]! - logits[a]! || a - b)
    .slice(0, topK);
  const total = ids.reduce((sum, id) => sum + probability[id]!, 0);
  return { logits, ids, weights: ids.map((id) => probability[id]! / total) };
}

/** W2 (silu(W1 x) * W3 x) */
export function expert(
  x: Vector, // (hiddenSize)
  { w1, w2, w3 }: ReferenceExpert,
): Float64Array { // (hiddenSize)
  return matvec(w2, swiglu(matvec(w1, x), matvec(w3, x)));
}

/** silu(h1) * h3 */
export function swiglu(h1: Vector, h3: Vector): Float64Array {
  return Float64Array.from(h1, (v, i) => v / (1 + Math.exp(-v)) * h3[i]!);
}

/** x + the weighted sum of the experts' rows */
export function combine(
  x: Vector, // (hiddenSize)
  y: readonly Vector[], // (topK, hiddenSize)
  weights: readonly number[], // (topK)
): Float64Array {
  return Float64Array.from(
    x,
    (v, n) => weights.reduce((sum, weight, r) => sum + weight * y[r]![n]!, v),
  );
}

/** x + y */
export function add(x: Vector, y: Vector): Float64Array {
  return Float64Array.from(x, (v, i) => v + y[i]!);
}
