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
import { matvecAxis1 } from "./axis1.ts";
import type { ExpertLayout, ExpertScratch } from "./expert_layout.ts";
import {
  byTokenCount,
  matmul,
  matvec,
  matvecReading,
  type Pick,
  spread,
} from "./linear.ts";
import type { MatrixLayout } from "./matrix.ts";
import type { Routing } from "./moe.ts";
import { kernelOp, type Op, type Rows } from "./op.ts";
import { STEP_BINDING, STEP_SOURCE } from "./step.ts";

/** What experts work on. */
export interface ExpertsOptions {
  /** How an expert lies in its buffer. */
  readonly layout: ExpertLayout;
  /** The rows of x (T, hiddenSize). */
  readonly x: Rows;
  /** Who goes where. */
  readonly routing: Routing;
  /** Room; the result is its `y`. */
  readonly scratch: ExpertScratch;
}

/** All experts of a layer in one buffer: the GPU finds those that are chosen. */
export interface ResidentExpertsOptions extends ExpertsOptions {
  /** The experts, one after the other. */
  readonly buffer: GPUBuffer;
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
export async function residentExperts(
  gpu: Gpu,
  options: ResidentExpertsOptions,
): Promise<Op> {
  const { layout, routing, scratch, step } = options;
  const { topK, expertCount } = routing;
  const EXPERT_WORDS = layout.wordCount;
  const one = await oneTokenOps(gpu, options, (MATRIX_AT, X_PER_RANK) => ({
    source: { name: "lib/pick_expert.wgsl", code: pickExpert },
    constants: { EXPERT_WORDS, MATRIX_AT, X_PER_RANK },
    bindings: { 3: routing.ids },
    count: topK, // a workgroup's z is the rank
  }));
  const many = await manyTokensOps(gpu, options, (MATRIX_AT, X_DIVISOR) => ({
    source: { name: "lib/rows_expert.wgsl", code: rowsExpert },
    constants: {
      EXPERT_WORDS,
      MATRIX_AT,
      X_DIVISOR,
      ROW_LIMIT: scratch.tokenLimit,
    },
    bindings: { 3: scratch.counts, 4: scratch.lists },
    count: expertCount, // a workgroup's z is the expert
  }));
  const group = await groupRows(gpu, { routing, scratch, step });
  return byTokenCount(
    sequence("experts", one),
    sequence("experts", [group, ...many]),
  );
}

/** Which weights and rows: made for a matrix and how its x has rows. */
export type PickOf = (matrixAt: number, xRows: number) => Pick;

/**
 * Makes, for one token, h[rank] = silu(W1 x) * W3 x and y[rank] = W2 h[rank].
 *
 * @param gpu The GPU.
 * @param options The buffer of the expert or experts, the rows.
 * @param pickOf Which weights go with which rows.
 * @returns The two ops.
 */
export async function oneTokenOps(
  gpu: Gpu,
  { buffer, layout, x, scratch }: ExpertsOptions & { buffer: GPUBuffer },
  pickOf: PickOf,
): Promise<[up: Op, down: Op]> {
  const { up, down, at } = layout;
  if (up.scheme.type === "HQQ" && up.scheme.axis === 1) {
    const { h } = scratch;
    const matrix = { buffer, layout: up };
    const w1 = { matrix, x, y: h, pick: pickOf(at.w1, 0) };
    const w3 = { matrix, x, y: h, pick: pickOf(at.w3, 0) };
    const w2 = {
      matrix: { buffer, layout: down },
      x: h,
      pick: pickOf(at.w2, 1),
    };
    return [
      sequence("expert_up", [
        await matvecAxis1(gpu, { ...w1, into: "write" }),
        await matvecAxis1(gpu, { ...w3, into: "gate" }),
      ]),
      await matvecAxis1(gpu, { ...w2, y: scratch.y, into: "write" }),
    ];
  }
  const pick = pickOf(at.w1, 0);
  const reading = matvecReading(gpu, { buffer, layout: up });
  const grid = spread(up.G * Math.ceil(up.P / 2), pick.count);
  return [
    await kernelOp(gpu, {
      sources: [
        ...reading.sources,
        pick.source,
        { name: "expert_up.wgsl", code: expertUpCode },
      ],
      constants: {
        ...reading.constants,
        ...pick.constants,
        X_STRIDE: x.stride,
        Y_STRIDE: scratch.h.stride,
        MATRIX3_AT: at.w3,
      },
      bindings: {
        ...reading.bindings,
        1: x.buffer,
        2: scratch.h.buffer,
        ...pick.bindings,
      },
      workgroups: () => grid,
    }),
    await matvec(gpu, {
      matrix: { buffer, layout: down },
      x: scratch.h,
      y: scratch.y,
      add: false,
      pick: pickOf(at.w2, 1),
    }),
  ];
}

/**
 * Makes, for many tokens, y of the rows that experts get. `groupRows` is to run
 * before.
 *
 * @param gpu The GPU.
 * @param options The buffer of the expert or experts, the rows.
 * @param pickOf Which weights go with which rows.
 * @returns The ops, in order.
 */
export async function manyTokensOps(
  gpu: Gpu,
  { buffer, layout, x, routing, scratch }: ExpertsOptions & {
    buffer: GPUBuffer;
  },
  pickOf: PickOf,
): Promise<Op[]> {
  const { up, down, at } = layout;
  const { h, h3, y } = scratch;
  const product = (
    matrix: MatrixLayout,
    [from, to]: readonly [Rows, Rows],
    pick: Pick,
  ) =>
    matmul(gpu, {
      matrix: { buffer, layout: matrix },
      x: from,
      y: to,
      add: false,
      pick,
    });
  const rows = pickOf(at.w1, routing.topK);
  return [
    await product(up, [x, h], rows),
    await product(up, [x, h3], pickOf(at.w3, routing.topK)),
    await kernelOp(gpu, {
      sources: [rows.source, { name: "swiglu.wgsl", code: swigluCode }],
      constants: { ...rows.constants, STRIDE: h.stride },
      bindings: { ...rows.bindings, 0: h.buffer, 1: h3.buffer },
      workgroups: (tokenCount) => [
        Math.ceil(h.stride / 64),
        tokenCount,
        rows.count,
      ],
    }),
    await product(down, [h, y], pickOf(at.w2, 1)),
  ];
}

/**
 * Makes the lists of rows that each expert gets, for many tokens.
 *
 * @param gpu The GPU.
 * @param options The routing, the room for the lists, the uniform of the step.
 * @returns The op.
 */
export function groupRows(
  gpu: Gpu,
  { routing, scratch, step }: {
    routing: Routing;
    scratch: ExpertScratch;
    step: GPUBuffer;
  },
): Promise<Op> {
  const { ids, expertCount, topK } = routing;
  const { counts, lists, tokenLimit } = scratch;
  return kernelOp(gpu, {
    sources: [STEP_SOURCE, { name: "group_rows.wgsl", code: groupRowsCode }],
    constants: { E: expertCount, TOP_K: topK, ROW_LIMIT: tokenLimit },
    bindings: { 0: ids, 1: counts, 2: lists, [STEP_BINDING]: step },
    workgroups: () => [Math.ceil(expertCount / 8)],
  });
}

/**
 * Makes an op of several, in order.
 *
 * @param name What it computes.
 * @param ops The ops.
 * @returns The op.
 */
export function sequence(name: string, ops: readonly Op[]): Op {
  return {
    name,
    encode(pass, tokenCount) {
      for (const op of ops) op.encode(pass, tokenCount);
    },
  };
}
