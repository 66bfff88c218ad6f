/**
 * The steps of a forward pass in plain loops: what every kernel is tested against.
 *
 * They are written to be read, not to be fast: weights are float32, everything else
 * float64. They share no code with `src/ops/` and `kernels/`. `reference.ts` makes a
 * model of them.
 */

/** Numbers of a token. */
export type Vector = ArrayLike<number>;

/** Where a token goes in a layer. */
export interface ReferenceRouting {
  /** The router's output (experts). */
  readonly logits: Vector;
  /** The chosen experts, best first (topK). */
  readonly ids: readonly number[];
  /** Their weights, which sum to 1 (topK). */
  readonly weights: readonly number[];
}

/** The row of a token. */
export function embed(
  embedding: Float32Array, // (vocabSize, width)
  token: number,
  width: number,
): Float64Array<ArrayBuffer> {
  return Float64Array.from(
    embedding.subarray(token * width, (token + 1) * width),
  );
}

/** weight * x / sqrt(mean(x^2) + epsilon) */
export function rmsNorm(
  x: Vector, // (K)
  weight: Float32Array, // (K)
  epsilon: number,
): Float64Array<ArrayBuffer> {
  let squares = 0;
  for (let k = 0; k < x.length; k++) squares += x[k]! ** 2;
  const scale = 1 / Math.sqrt(squares / x.length + epsilon);
  return Float64Array.from(weight, (w, k) => w * x[k]! * scale);
}

/** W x */
export function matvec(
  w: Vector, // (N, K)
  x: Vector, // (K)
): Float64Array<ArrayBuffer> { // (N)
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
 * W x as float32 has it: sums one product after the other, each rounded. Four rows
 * go side by side, since each sum waits for itself.
 */
export function matvec32(
  w: Float32Array, // (N, K)
  x: Float32Array, // (K)
): Float32Array<ArrayBuffer> { // (N)
  const { fround } = Math;
  const K = x.length;
  const y = new Float32Array(w.length / K);
  for (let n = 0; n < y.length; n += 4) {
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    for (let k = 0; k < K; k++) {
      const at = n * K + k;
      a = fround(a + fround(w[at]! * x[k]!));
      b = fround(b + fround(w[at + K]! * x[k]!)); // NaN behind the last row
      c = fround(c + fround(w[at + 2 * K]! * x[k]!));
      d = fround(d + fround(w[at + 3 * K]! * x[k]!));
    }
    y[n] = a;
    y[n + 1] = b; // nothing happens behind the last row
    y[n + 2] = c;
    y[n + 3] = d;
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
): Float64Array<ArrayBuffer> {
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

/** The heads of attention, and what a token sees. */
export interface HeadOptions {
  /** Heads of q. */
  readonly headCount: number;
  /** Heads of k and v; divides `headCount`. */
  readonly kvHeadCount: number;
  /** How many positions a token sees, its own included; 0 for all. */
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
): Float64Array<ArrayBuffer> { // (heads * headDim)
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
export function softmax(x: Vector): Float64Array<ArrayBuffer> {
  const highest = Math.max(...Array.from(x));
  const e = Float64Array.from(x, (v) => Math.exp(v - highest));
  const total = e.reduce((sum, v) => sum + v, 0);
  return e.map((v) => v / total);
}

/** The topK most probable experts, of equal ones the lower id first. */
export function bestExperts(logits: Vector, topK: number): number[] {
  return Array.from(logits, (_, id) => id)
    .sort((a, b) => logits[b]! - logits[a]! || a - b)
    .slice(0, topK);
}

/** The best experts, or those that are given, and their share of the probability. */
export function route(
  logits: Vector, // (experts)
  topK: number,
  ids: readonly number[] = bestExperts(logits, topK),
): ReferenceRouting {
  const probability = softmax(logits);
  const total = ids.reduce((sum, id) => sum + probability[id]!, 0);
  return { logits, ids, weights: ids.map((id) => probability[id]! / total) };
}

/** silu(h1) * h3 */
export function swiglu(h1: Vector, h3: Vector): Float64Array<ArrayBuffer> {
  return Float64Array.from(h1, (v, i) => v / (1 + Math.exp(-v)) * h3[i]!);
}

/** x + the weighted sum of the experts' rows */
export function combine(
  x: Vector, // (hiddenSize)
  y: readonly Vector[], // (topK, hiddenSize)
  weights: readonly number[], // (topK)
): Float64Array<ArrayBuffer> {
  return Float64Array.from(
    x,
    (v, n) => weights.reduce((sum, weight, r) => sum + weight * y[r]![n]!, v),
  );
}

/** x + y */
export function add(x: Vector, y: Vector): Float64Array<ArrayBuffer> {
  return Float64Array.from(x, (v, i) => v + y[i]!);
}
