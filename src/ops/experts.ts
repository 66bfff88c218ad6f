/** The experts of a layer: y[rank] = W2 (silu(W1 x) * W3 x). */

import type { Gpu } from "../gpu/device.ts";
import expertUpCode from "../../kernels/expert_up.wgsl" with { type: "text" };
import groupRowsCode from "../../kernels/group_rows.wgsl" with { type: "text" };
import pickExpert from "../../kernels/lib/pick_expert.wgsl" with {
  type: "text",
};
import rowsExpert from "../../kernels/lib/rows_expert.wgsl" with {
  type: "text",
};
import swigluCode from "../../kernels/swiglu.wgsl" with { type: "text" };
import { byTokenCount, matmul, matvec, type Pick, spread } from "./linear.ts";
import type { MatrixLayout } from "./matrix.ts";
import type { Routing } from "./moe.ts";
import { kernelOp, makeRows, type Op, reduction, type Rows } from "./op.ts";
import { STEP_BINDING, STEP_SOURCE } from "./step.ts";

/** Where the matrices of an expert lie in it, in words. */
export interface ExpertLayout {
  /** W1 and W3 (intermediateSize, hiddenSize). */
  readonly up: MatrixLayout;
  /** W2 (hiddenSize, intermediateSize). */
  readonly down: MatrixLayout;
  /** Where each starts. */
  readonly at: {
    readonly w1: number;
    readonly w2: number;
    readonly w3: number;
  };
  /** Words of an expert. */
  readonly wordCount: number;
}

/**
 * Lays out an expert: W1, W3, W2, one after the other.
 *
 * @param up The layout of W1 and W3.
 * @param down The layout of W2.
 * @returns The layout.
 */
export function expertLayout(
  up: MatrixLayout,
  down: MatrixLayout,
): ExpertLayout {
  return {
    up,
    down,
    at: { w1: 0, w3: up.wordCount, w2: 2 * up.wordCount },
    wordCount: 2 * up.wordCount + down.wordCount,
  };
}

/** Room for what experts compute, shared by all layers. */
export interface ExpertScratch {
  /** silu(W1 x) * W3 x, a row for each routed row. */
  readonly h: Rows;
  /** W3 x, in prefill. */
  readonly h3: Rows;
  /** W2 h, a row for each routed row: row t topK + r is rank r of token t. */
  readonly y: Rows;
  /** Routed rows of each expert (E) u32, in prefill. */
  readonly counts: GPUBuffer;
  /** Which rows (E, tokenLimit) u32, in prefill. */
  readonly lists: GPUBuffer;
  /** The most tokens of a step. */
  readonly tokenLimit: number;
}

/**
 * Makes the scratch room of experts.
 *
 * @param gpu The GPU.
 * @param options The most tokens of a step, and the model's numbers.
 * @returns The room.
 */
export function makeExpertScratch(
  gpu: Gpu,
  { tokenLimit, expertCount, topK, hiddenSize, intermediateSize }: {
    tokenLimit: number;
    expertCount: number;
    topK: number;
    hiddenSize: number;
    intermediateSize: number;
  },
): ExpertScratch {
  const rowCount = tokenLimit * topK;
  return {
    h: makeRows(gpu, "expert h", [rowCount, intermediateSize]),
    h3: makeRows(gpu, "expert h3", [rowCount, intermediateSize]),
    y: makeRows(gpu, "expert y", [rowCount, hiddenSize]),
    counts: gpu.storageBuffer("expert row counts", expertCount * 4),
    lists: gpu.storageBuffer(
      "expert row lists",
      expertCount * tokenLimit * 4,
    ),
    tokenLimit,
  };
}

/** Options for {@linkcode experts}. */
export interface ExpertsOptions {
  /** All experts of the layer, one after the other. */
  readonly buffer: GPUBuffer;
  /** How each lies there. */
  readonly layout: ExpertLayout;
  /** The rows of x (T, hiddenSize). */
  readonly x: Rows;
  /** Who goes where. */
  readonly routing: Routing;
  /** Room; the result is its `y`. */
  readonly scratch: ExpertScratch;
  /** The uniform of the step. */
  readonly step: GPUBuffer;
}

/**
 * Makes y[rank] = W2 (silu(W1 x) * W3 x) for the chosen experts of each token.
 *
 * @param gpu The GPU.
 * @param options The experts, the rows and the routing.
 * @returns The op.
 */
export async function experts(gpu: Gpu, options: ExpertsOptions): Promise<Op> {
  return byTokenCount(
    sequence("experts", await decodeOps(gpu, options)),
    sequence("experts", await prefillOps(gpu, options)),
  );
}

/** One token: a workgroup's z is the rank of the expert. */
async function decodeOps(gpu: Gpu, options: ExpertsOptions): Promise<Op[]> {
  const { buffer, layout, x, routing, scratch } = options;
  const { up, down, at } = layout;
  const pick = (matrixAt: number, xPerRank: number): Pick => ({
    source: { name: "lib/pick_expert.wgsl", code: pickExpert },
    constants: {
      EXPERT_WORDS: layout.wordCount,
      MATRIX_AT: matrixAt,
      X_PER_RANK: xPerRank,
    },
    bindings: { 3: routing.ids },
    count: routing.topK,
  });
  const { source, constants, bindings } = pick(at.w1, 0);
  const reduce = reduction(gpu, gpu.subgroupSize || 64);
  const grid = spread(up.G * Math.ceil(up.P / 2), routing.topK);
  return [
    await kernelOp(gpu, {
      sources: [...up.sources, source, reduce.source, {
        name: "expert_up.wgsl",
        code: expertUpCode,
      }],
      constants: {
        ...up.constants,
        ...constants,
        WG: reduce.WG,
        X_STRIDE: x.stride,
        Y_STRIDE: scratch.h.stride,
        MATRIX3_AT: at.w3,
      },
      bindings: { 0: buffer, 1: x.buffer, 2: scratch.h.buffer, ...bindings },
      workgroups: () => grid,
    }),
    await matvec(gpu, {
      matrix: { buffer, layout: down },
      x: scratch.h,
      y: scratch.y,
      add: false,
      pick: pick(at.w2, 1),
    }),
  ];
}

/** Many tokens: by expert, then by the rows that it gets. */
async function prefillOps(gpu: Gpu, options: ExpertsOptions): Promise<Op[]> {
  const { buffer, layout, x, routing, scratch, step } = options;
  const { up, down, at } = layout;
  const { counts, lists, tokenLimit, h, h3, y } = scratch;
  const { expertCount, topK } = routing;
  const pick = (matrixAt: number, xDivisor: number): Pick => ({
    source: { name: "lib/rows_expert.wgsl", code: rowsExpert },
    constants: {
      EXPERT_WORDS: layout.wordCount,
      MATRIX_AT: matrixAt,
      ROW_LIMIT: tokenLimit,
      X_DIVISOR: xDivisor,
    },
    bindings: { 3: counts, 4: lists },
    count: expertCount,
  });
  const product = (
    matrix: MatrixLayout,
    [from, to]: readonly [Rows, Rows],
    rows: Pick,
  ) =>
    matmul(gpu, {
      matrix: { buffer, layout: matrix },
      x: from,
      y: to,
      add: false,
      pick: rows,
    });
  return [
    await kernelOp(gpu, {
      sources: [STEP_SOURCE, { name: "group_rows.wgsl", code: groupRowsCode }],
      constants: { E: expertCount, TOP_K: topK, ROW_LIMIT: tokenLimit },
      bindings: { 0: routing.ids, 1: counts, 2: lists, [STEP_BINDING]: step },
      workgroups: () => [Math.ceil(expertCount / 8)],
    }),
    await product(up, [x, h], pick(at.w1, topK)),
    await product(up, [x, h3], pick(at.w3, topK)),
    await kernelOp(gpu, {
      sources: [{ name: "swiglu.wgsl", code: swigluCode }],
      constants: { STRIDE: h.stride },
      bindings: { 0: h.buffer, 1: h3.buffer },
      workgroups: (
        tokenCount,
      ) => [Math.ceil(h.stride / 64), tokenCount * topK],
    }),
    await product(down, [h, y], pick(at.w2, 1)),
  ];
}

/** Makes an op of several, in order. */
function sequence(name: string, ops: readonly Op[]): Op {
  return {
    name,
    encode(pass, tokenCount) {
      for (const op of ops) op.encode(pass, tokenCount);
    },
  };
}
