/**
 * Mixtral in plain loops: the specification.
 *
 * The whole model is tested against this file, and `verify` compares the GPU with it
 * on the user's machine. It is the model of Hugging Face (transformers,
 * `modeling_mixtral.py`), whose numbers `tests/forward_test.ts` compares it with.
 *
 * Positions go through the model side by side, layer by layer, and only the experts
 * that somebody chooses are read: a model of any size takes the memory of a few
 * matrices.
 */

import { forEachParallel } from "../io/for_each_parallel.ts";
import type { ModelConfig } from "./config.ts";
import {
  add,
  attention,
  combine,
  embed,
  type ReferenceRouting,
  rmsNorm,
  rope,
  route,
  swiglu,
  type Vector,
} from "./plain_math.ts";
import {
  type Multiply,
  multiplyRows,
  type PlainReader,
  plainWeights,
  type Row,
} from "./plain_weights.ts";

/** How to run the reference. */
export interface ReferenceOptions {
  /** What the model is. */
  readonly config: ModelConfig;
  /** Its weights. */
  readonly weights: PlainReader;
  /**
   * Whether to run it a second time in float32, along the same experts: what then
   * differs is what rounding does to this model and these tokens.
   *
   * @default {false}
   */
  readonly isRounded?: boolean;
  /**
   * Names the experts that a token goes to; `undefined` for the best.
   *
   * @default {undefined} always the best
   */
  readonly expertsOf?: (
    layer: number,
    position: number,
  ) => readonly number[] | undefined;
  /**
   * Multiplies.
   *
   * @default {Multiply} in this thread
   */
  readonly multiply?: Multiply;
  /**
   * How many experts to work on at the same time.
   *
   * @default {1}
   */
  readonly parallelCount?: number;
  /** Ends it at the next matrix when aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Hears of each layer that is done, the head being one more. */
  readonly onLayer?: (done: number, total: number) => void;
}

/** What a pass gave. */
export interface ReferencePass {
  /** By position (vocabSize). */
  readonly logits: readonly Vector[];
  /** By layer and position. */
  readonly routings: readonly (readonly ReferenceRouting[])[];
}

/** What the reference gave. */
export interface ReferenceResult extends ReferencePass {
  /** The same in float32; `null` if it was not asked for. */
  readonly rounded: ReferencePass | null;
}

/** Reads a matrix and multiplies rows by it. */
type Project = (
  base: string,
  shape: readonly [number, number],
  xs: readonly Row[],
) => Promise<Row[]>;

/**
 * Runs tokens from an empty cache.
 *
 * @param ids Token ids (T).
 * @param options The model, and how to run it.
 * @returns Logits and routings of each position.
 * @throws {Error} If weights cannot be read, or it was aborted.
 */
export async function runReference(
  ids: readonly number[],
  options: ReferenceOptions,
): Promise<ReferenceResult> {
  const { config, weights, multiply = inThread, signal } = options;
  const { hiddenSize, vocabSize, numHiddenLayers, rmsNormEps } = config;
  const T = ids.length;
  const ends = [vocabSize, hiddenSize] as const;
  const project: Project = async (base, shape, xs) => {
    signal?.throwIfAborted();
    const part = base.includes(".experts.") ? "experts" : "attn";
    return await multiply(await weights.readPlain(base, shape, part), xs);
  };
  const embedding = await weights.readPlain("model.embed_tokens", ends, null);
  let xs: Row[] = embedAll(ids, plainWeights(embedding), hiddenSize);
  if (options.isRounded) xs.push(...xs.map((x) => Float32Array.from(x)));
  const routings: ReferenceRouting[][] = [];
  for (let layer = 0; layer < numHiddenLayers; layer++) {
    xs = await attend(xs, { ...options, layer, project, T });
    const moe = await runExperts(xs, { ...options, layer, project, T });
    xs = moe.xs;
    routings.push(moe.routings);
    options.onLayer?.(layer + 1, numHiddenLayers + 1);
  }
  const norm = await weights.readFloats("model.norm.weight", [hiddenSize]);
  const head = config.tieWordEmbeddings
    ? embedding
    : await weights.readPlain("lm_head", ends, null);
  const logits = await multiply(
    head,
    each(xs, (x) => rmsNorm(x, norm, rmsNormEps)),
  );
  options.onLayer?.(numHiddenLayers + 1, numHiddenLayers + 1);
  const passOf = (from: number, end: number): ReferencePass => ({
    logits: logits.slice(from, end),
    routings: routings.map((rows) => rows.slice(from, end)),
  });
  return {
    ...passOf(0, T),
    rounded: options.isRounded ? passOf(T, 2 * T) : null,
  };
}

/** What the parts of a layer are given. */
interface LayerOptions extends ReferenceOptions {
  readonly layer: number;
  readonly project: Project;
  /** Positions: rows 0...T-1 are those of float64, T...2T-1 of float32. */
  readonly T: number;
}

/** x + Wo softmax(q k^T) v */
async function attend(
  xs: readonly Row[],
  { config, weights, layer, project, T }: LayerOptions,
): Promise<Row[]> {
  const { hiddenSize, headDim, ropeTheta, rmsNormEps } = config;
  const name = `model.layers.${layer}`;
  const qWidth = config.numAttentionHeads * headDim;
  const kvWidth = config.numKeyValueHeads * headDim;
  const norm = await weights
    .readFloats(`${name}.input_layernorm.weight`, [hiddenSize]);
  const xb = each(xs, (x) => rmsNorm(x, norm, rmsNormEps));
  const of = (matrix: string, width: number) =>
    project(`${name}.self_attn.${matrix}_proj`, [width, hiddenSize], xb);
  const [q, k, v] = await Promise.all(
    [of("q", qWidth), of("k", kvWidth), of("v", kvWidth)],
  );
  const rotated = (rows: readonly Row[]) =>
    each(rows, (row, i) => rope(row, { headDim, position: i % T, ropeTheta }));
  const keys = rotated(k!);
  const a = each(rotated(q!), (row, i) => {
    const first = i - i % T; // of the same arithmetic
    return attention(row, keys.slice(first, i + 1), v!.slice(first, i + 1), {
      headCount: config.numAttentionHeads,
      kvHeadCount: config.numKeyValueHeads,
      window: config.slidingWindow ?? 0,
    });
  });
  const o = await project(
    `${name}.self_attn.o_proj`,
    [hiddenSize, qWidth],
    a,
  );
  return each(xs, (x, i) => add(x, o[i]!));
}

/** x + the weighted sum of its experts, and where each token went. */
async function runExperts(
  xs: readonly Row[],
  options: LayerOptions,
): Promise<{ xs: Row[]; routings: ReferenceRouting[] }> {
  const { config, weights, layer, project, T } = options;
  const { hiddenSize, intermediateSize, numExpertsPerTok } = config;
  const { numLocalExperts } = config;
  const name = `model.layers.${layer}`;
  const norm = await weights
    .readFloats(`${name}.post_attention_layernorm.weight`, [hiddenSize]);
  const gate = await weights.readFloats(
    `${name}.block_sparse_moe.gate.weight`,
    [numLocalExperts, hiddenSize],
  );
  const xm = each(xs, (x) => rmsNorm(x, norm, config.rmsNormEps));
  const routings: ReferenceRouting[] = [];
  for (const [i, logits] of multiplyRows(gate, xm).entries()) {
    const ids = i < T ? options.expertsOf?.(layer, i) : routings[i - T]!.ids;
    routings.push(route(logits, numExpertsPerTok, ids));
  }
  const y = xs.map((): Row[] => []); // by row and rank
  const up = [intermediateSize, hiddenSize] as const;
  await forEachParallel(Array(numLocalExperts).keys(), {
    limit: options.parallelCount ?? 1,
    async run(expert) {
      const rows = [...xm.keys()]
        .filter((i) => routings[i]!.ids.includes(expert));
      if (rows.length === 0) return;
      const base = `${name}.block_sparse_moe.experts.${expert}`;
      const its = rows.map((i) => xm[i]!);
      const h1 = await project(`${base}.w1`, up, its);
      const h3 = await project(`${base}.w3`, up, its);
      const h = each(h1, (row, i) => swiglu(row, h3[i]!));
      const down = [hiddenSize, intermediateSize] as const;
      const out = await project(`${base}.w2`, down, h);
      for (const [j, i] of rows.entries()) {
        y[i]![routings[i]!.ids.indexOf(expert)] = out[j]!;
      }
    },
  });
  return {
    xs: each(xs, (x, i) => combine(x, y[i]!, routings[i]!.weights)),
    routings,
  };
}

/** Makes a row of each, of the same arithmetic. */
function each(
  rows: readonly Row[],
  fn: (row: Row, i: number) => Float64Array<ArrayBuffer>,
): Row[] {
  return rows.map((row, i) =>
    row instanceof Float32Array ? Float32Array.from(fn(row, i)) : fn(row, i)
  );
}

function embedAll(
  ids: readonly number[],
  embedding: Float32Array,
  width: number,
): Row[] {
  return ids.map((id) => embed(embedding, id, width));
}

/** Multiplies in this thread, which does nothing else meanwhile. */
// deno-lint-ignore require-await -- it rejects where it would throw
async function inThread(
  ...[matrix, xs]: Parameters<Multiply>
): Promise<Row[]> {
  return multiplyRows(plainWeights(matrix), xs);
}
