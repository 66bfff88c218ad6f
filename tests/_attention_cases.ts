/** Attention, by token and by tile. */

import { assert } from "@std/assert";
import type { Gpu } from "../src/gpu/device.ts";
import {
  attention,
  attentionByTile,
  attentionByToken,
  type AttentionShape,
} from "../src/ops/attention.ts";
import { attentionWide } from "../src/ops/attention_wide.ts";
import { makeRows } from "../src/ops/op.ts";
import { makeStepBuffers } from "../src/ops/step.ts";
import { assertWithin, expShare, magnitudes, sumShare } from "./_bounds.ts";
import { makeReader, padRows, runOps, SUMMING, upload } from "./_gpu.ts";
import { type KernelCase, TOKEN_COUNTS, TOKEN_LIMIT } from "./_kernel_case.ts";
import { type Random, withRandom } from "./_random.ts";
import {
  attention as attentionReference,
  type HeadOptions,
  headScores,
  type Vector,
} from "../src/model/plain_math.ts";

/** Plain, grouped and multi query; whole vec4s and not. */
export const ATTENTION_SHAPES: readonly AttentionShape[] = [
  { headDim: 2, headCount: 1, kvHeadCount: 1 },
  { headDim: 6, headCount: 4, kvHeadCount: 2 },
  { headDim: 10, headCount: 3, kvHeadCount: 1 },
  { headDim: 64, headCount: 4, kvHeadCount: 4 },
  { headDim: 80, headCount: 2, kvHeadCount: 1 },
  { headDim: 128, headCount: 2, kvHeadCount: 2 },
];

/** Those, and more heads that share one; the first have few elements. */
const WIDE_SHAPES: readonly AttentionShape[] = [
  { headDim: 6, headCount: 8, kvHeadCount: 2 },
  { headDim: 10, headCount: 3, kvHeadCount: 1 },
  { headDim: 2, headCount: 1, kvHeadCount: 1 },
  { headDim: 8, headCount: 64, kvHeadCount: 1 },
  { headDim: 64, headCount: 4, kvHeadCount: 4 },
  { headDim: 80, headCount: 2, kvHeadCount: 1 },
  { headDim: 128, headCount: 4, kvHeadCount: 1 },
];

/** All, one, less than a tile of 32, a tile, more than one, more than 64. */
const WINDOWS = [0, 1, 5, 32, 40, 70];

/** Where a step begins. */
export const POSITIONS = [0, 1, 37, 100];

/** Small heads are tried everywhere: the reference takes its time. */
const EVERYWHERE = { windows: WINDOWS, positions: POSITIONS };
const SOMEWHERE = { windows: [0, 40], positions: [0, 37] };

const KERNELS = {
  token: [
    "attention.wgsl",
    "lib/attention_state.wgsl",
    "lib/attention_whole.wgsl",
    "lib/step.wgsl",
  ],
  wide: [
    "attention_wide.wgsl",
    "lib/attention_products.wgsl",
    "lib/attention_rows.wgsl",
    "lib/attention_slices.wgsl",
    "lib/attention_state.wgsl",
    "lib/step.wgsl",
  ],
  tile: [
    "attention_tile.wgsl",
    "lib/attention_squares.wgsl",
    "lib/step.wgsl",
  ],
};

/** All cases of this file. */
export const ATTENTION_CASES: readonly KernelCase[] = [
  ...ATTENTION_SHAPES.map((shape, i) => ({
    name: `attentionByToken() is softmax(q k^T) v, ${shapeName(shape)}`,
    kernels: KERNELS.token,
    summing: SUMMING,
    run: ({ gpu, hasFewShapes }: { gpu: Gpu; hasFewShapes: boolean }) =>
      withRandom(6, (random) =>
        checkAttention(gpu, random, {
          make: attentionByToken,
          shape,
          ...(i < 3 && !hasFewShapes ? EVERYWHERE : SOMEWHERE),
        })),
  })),
  ...ATTENTION_SHAPES.map((shape, i) => ({
    name: `attentionByTile() is softmax(q k^T) v, ${shapeName(shape)}`,
    kernels: KERNELS.tile,
    summing: [],
    run: ({ gpu }: { gpu: Gpu }) =>
      withRandom(7, (random) =>
        checkAttention(gpu, random, {
          make: attentionByTile,
          shape,
          ...(i < 3 ? EVERYWHERE : SOMEWHERE),
        })),
  })),
  ...WIDE_SHAPES.map((shape, i) => ({
    name: `attentionWide() is softmax(q k^T) v, ${shapeName(shape)}`,
    kernels: KERNELS.wide,
    summing: [],
    options: { wideWorkgroups: true },
    run: ({ gpu }: { gpu: Gpu }) =>
      withRandom(7, (random) =>
        checkAttention(gpu, random, {
          make: (...options) => attentionWide(...options)!,
          shape,
          ...(i < 2 ? EVERYWHERE : SOMEWHERE),
        })),
  })),
  {
    name: "attention() takes wide workgroups where they pay",
    kernels: KERNELS.wide,
    summing: [],
    options: { wideWorkgroups: true },
    run: async ({ gpu, compiled }) => {
      await withRandom(9, (random) =>
        checkAttention(gpu, random, {
          make: attention,
          shape: WIDE_SHAPES[0]!,
          windows: [0],
          positions: [0],
        }));
      assert(!compiled.has("attention_tile.wgsl"));
    },
  },
  {
    name: "attention() takes heads that fit no tile",
    kernels: KERNELS.token,
    summing: SUMMING,
    run: ({ gpu }) =>
      withRandom(8, (random) =>
        checkAttention(gpu, random, {
          make: attention,
          shape: { headDim: 514, headCount: 1, kvHeadCount: 1 },
          windows: [0],
          positions: [37],
        })),
  },
];

/** Names a shape, for test names. */
export function shapeName(
  { headDim, headCount, kvHeadCount }: AttentionShape,
): string {
  return `${headCount} heads on ${kvHeadCount} of ${headDim}`;
}

interface AttentionCase {
  readonly make: typeof attention;
  readonly shape: AttentionShape;
  readonly windows: readonly number[];
  readonly positions: readonly number[];
}

async function checkAttention(
  gpu: Gpu,
  random: Random,
  { make, shape, windows, positions }: AttentionCase,
): Promise<void> {
  const { headDim, headCount, kvHeadCount } = shape;
  const rowsOf = (count: number, width: number) =>
    Array.from({ length: count }, () => random.normal(width, 1.5));
  const context = Math.max(...POSITIONS) + TOKEN_LIMIT;
  const keys = rowsOf(context, kvHeadCount * headDim);
  const values = rowsOf(context, kvHeadCount * headDim);
  const q = rowsOf(TOKEN_LIMIT, headCount * headDim);
  const sizes = {
    keys: keys.map(magnitudes),
    values: values.map(magnitudes),
  };
  const rotated = uploadHeads(gpu, q, headDim);
  const step = makeStepBuffers(gpu, TOKEN_LIMIT);
  const y = makeRows(gpu, "y", [TOKEN_LIMIT, headCount * headDim]);
  const cache = {
    k: uploadHeads(gpu, keys, headDim),
    v: uploadHeads(gpu, values, headDim),
  };
  using reader = await makeReader(gpu, TOKEN_LIMIT * y.stride * 4);
  for (const window of windows) {
    const op = await make(gpu, {
      ...shape,
      rotated,
      cache,
      y,
      window,
      step: step.step,
    });
    for (const position of positions) {
      const options = { headCount, kvHeadCount, window };
      const rows = q.map((row, t) =>
        rowOf({ q: row, keys, values, sizes }, position + t + 1)
      );
      const exact = rows.map(({ q, keys, values }) =>
        attentionReference(q, keys, values, options)
      );
      const near = rows.map((row) => attentionBounds(row, options));
      for (const tokenCount of TOKEN_COUNTS) {
        const zero = new Uint8Array(y.buffer.size);
        gpu.device.queue.writeBuffer(y.buffer, 0, zero);
        runOps(gpu, [op], { step, tokenCount, position });
        const expected = new Float64Array(TOKEN_LIMIT * y.stride);
        const bounds = new Float64Array(expected.length);
        for (let t = 0; t < tokenCount; t++) {
          expected.set(exact[t]!, t * y.stride);
          bounds.set(near[t]!, t * y.stride);
        }
        assertWithin(await reader.floats(y.buffer), expected, {
          what: `${tokenCount} tokens from ${position} that see ${
            window || "all"
          }`,
          bounds,
        });
      }
    }
  }
}

/** A query and the cache that it sees, with their magnitudes. */
export interface QueryRow {
  readonly q: Vector;
  readonly keys: readonly Vector[];
  readonly values: readonly Vector[];
  readonly sizes: Pick<QueryRow, "keys" | "values">;
}

function rowOf({ q, keys, values, sizes }: QueryRow, end: number): QueryRow {
  return {
    q,
    keys: keys.slice(0, end),
    values: values.slice(0, end),
    sizes: {
      keys: sizes.keys.slice(0, end),
      values: sizes.values.slice(0, end),
    },
  };
}

/**
 * A score is a sum over headDim; its error and that of exp make a relative error
 * of each weight, twice since they are divided by their sum; then come the sums
 * over positions.
 */
export function attentionBounds(
  { q, keys, sizes }: QueryRow,
  options: HeadOptions,
): Float64Array {
  const headDim = q.length / options.headCount;
  const bounds = attentionReference(q, keys, sizes.values, options);
  const largest = magnitudes(q);
  for (let head = 0; head < options.headCount; head++) {
    const heads = { ...options, head };
    const { scores } = headScores(q, keys, heads);
    const terms = headScores(largest, sizes.keys, heads).scores;
    const range = Math.max(...scores) - Math.min(...scores);
    const share =
      2 * (Math.max(...terms) * sumShare(headDim) + expShare(range)) +
      2 * sumShare(scores.length);
    for (let i = 0; i < headDim; i++) bounds[head * headDim + i]! *= share;
  }
  return bounds;
}

/** Heads with zeros between them, as attention reads them. */
export function padHeads(
  rows: readonly ArrayLike<number>[],
  headDim: number,
): Float32Array<ArrayBuffer> {
  return padRows(rows.flatMap((row) => Array.from(row)), headDim);
}

function uploadHeads(
  gpu: Gpu,
  rows: readonly Float32Array[],
  headDim: number,
): GPUBuffer {
  return upload(gpu, padHeads(rows, headDim));
}
