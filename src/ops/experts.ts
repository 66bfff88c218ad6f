/** The experts of a layer: y[rank] = W2 (silu(W1 x) * W3 x). */

import type { Gpu } from "../gpu/device.ts";
import expertUpStripCode from "../../kernels/expert_up_strip.wgsl" with {
  type: "text",
};
import expertUpCode from "../../kernels/expert_up.wgsl" with { type: "text" };
import pickExpert from "../../kernels/lib/pick_expert.wgsl" with {
  type: "text",
};
import rowsExpert from "../../kernels/lib/rows_expert.wgsl" with {
  type: "text",
};
import { matvecAxis1 } from "./axis1.ts";
import type { ExpertLayout, ExpertScratch } from "./expert_layout.ts";
import { groupRows, manyTokensOps } from "./expert_matmul.ts";
import { inputReading } from "./input.ts";
import { matrixReading, matvec } from "./matvec.ts";
import { costOf, type WeightPick } from "./pick.ts";
import type { MatrixLayout } from "./matrix.ts";
import type { Routing } from "./moe.ts";
import {
  type Bound,
  byTokenCount,
  kernelOp,
  type Op,
  type Rows,
  sequence,
  spread,
  withRole,
} from "./op.ts";
import { type StripReading, stripReading } from "./strip.ts";

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
  const one = await oneTokenOps(gpu, options, pickChosen(layout, routing));
  const many = await manyTokensOps(gpu, options, (MATRIX_AT, X_DIVISOR) => ({
    sources: [{ name: "lib/rows_expert.wgsl", code: rowsExpert }],
    constants: {
      EXPERT_WORDS,
      MATRIX_AT,
      X_DIVISOR,
      ROW_LIMIT: scratch.tokenLimit,
    },
    bindings: { 3: scratch.counts, 4: scratch.lists },
    count: expertCount, // a workgroup's z is the expert
    rowsPerToken: topK,
  }));
  const group = await groupRows(gpu, { routing, scratch, step });
  return byTokenCount(
    sequence("experts", one),
    sequence("experts", [group, ...many]),
  );
}

/**
 * Picks the chosen experts of a token out of all of a layer.
 *
 * @param layout How an expert lies.
 * @param routing Who goes where.
 * @returns Which weights go with which rows.
 */
export function pickChosen(
  { wordCount: EXPERT_WORDS }: ExpertLayout,
  { ids, topK }: Routing,
): PickOf {
  return (MATRIX_AT, X_PER_RANK) => ({
    sources: [{ name: "lib/pick_expert.wgsl", code: pickExpert }],
    constants: { EXPERT_WORDS, MATRIX_AT, X_PER_RANK },
    bindings: { 3: ids },
    count: topK, // a workgroup's z is the rank
  });
}

/** How `expertUp()` and W2's `matvec()` ask for strips. */
const UP_STRIPS = { hasParts: false, matrixCount: 2 } as const;
const DOWN_STRIPS = { hasParts: true, matrixCount: 1 } as const;

/**
 * Tells how one token's products read experts in strips.
 *
 * @param gpu The GPU.
 * @param layout How W1 and W3, and W2 lie.
 * @param fills Whether missing weights are brought in on the way.
 * @returns How; `null` for what is not read so.
 */
export function expertStrips(
  gpu: Gpu,
  { up, down }: Readonly<Record<"up" | "down", MatrixLayout>>,
  fills = false,
): Record<"up" | "down", StripReading | null> {
  return {
    up: stripReading(gpu, { layout: up, ...UP_STRIPS, fills }),
    down: stripReading(gpu, { layout: down, ...DOWN_STRIPS, fills }),
  };
}

/**
 * Tells whether the ops of {@linkcode oneTokenOps} bring in on the way what is
 * missing: only products in strips do.
 *
 * @param gpu The GPU.
 * @param layout How an expert lies.
 * @returns Whether both do.
 */
export function fillsSlots(gpu: Gpu, layout: ExpertLayout): boolean {
  const { up, down } = expertStrips(gpu, layout, true);
  return up !== null && down !== null;
}

/** Which weights and rows: made for a matrix and how its x has rows. */
export type PickOf = (matrixAt: number, xRows: number) => WeightPick;

/**
 * Makes, for one token, h[rank] = silu(W1 x) * W3 x and y[rank] = W2 h[rank], the
 * latter in `scratch.partCount` rows that are yet to be summed.
 *
 * @param gpu The GPU.
 * @param options The buffer of the expert or experts, the rows.
 * @param pickOf Which weights go with which rows.
 * @returns The two ops.
 */
export async function oneTokenOps(
  gpu: Gpu,
  options: ExpertsOptions & { buffer: Bound },
  pickOf: PickOf,
): Promise<[up: Op, down: Op]> {
  const { buffer, layout, scratch } = options;
  const w2 = {
    matrix: { buffer, layout: layout.down },
    x: scratch.h,
    y: scratch.y,
    add: false,
    hasParts: DOWN_STRIPS.hasParts,
  };
  return [
    withRole("w1, w3", await expertUp(gpu, options, pickOf)),
    withRole("w2", await matvec(gpu, { ...w2, pick: pickOf(layout.at.w2, 1) })),
  ];
}

/** Makes h[rank] = silu(W1 x) * W3 x along axis 1: W1 and W3 one after the other. */
async function axis1Up(
  gpu: Gpu,
  { buffer, layout: { up, at }, x, scratch: { h } }: ExpertsOptions & {
    buffer: Bound;
  },
  pickOf: PickOf,
): Promise<Op> {
  const matrix = { buffer, layout: up };
  const w1 = { matrix, x, y: h, pick: pickOf(at.w1, 0) };
  const w3 = { matrix, x, y: h, pick: pickOf(at.w3, 0) };
  return sequence("expert_up", [
    withRole("w1", await matvecAxis1(gpu, { ...w1, into: "write" })),
    withRole("w3", await matvecAxis1(gpu, { ...w3, into: "gate" })),
  ]);
}

/** Makes h[rank] = silu(W1 x) * W3 x: W1 and W3 in one kernel where it is possible. */
function expertUp(
  gpu: Gpu,
  options: ExpertsOptions & { buffer: Bound },
  pickOf: PickOf,
): Promise<Op> {
  const { buffer, layout: { up, at }, x, scratch } = options;
  const pick = pickOf(at.w1, 0);
  const fills = pick.misses !== undefined;
  const strip = stripReading(gpu, { layout: up, ...UP_STRIPS, fills });
  if (strip === null && up.scheme.type === "HQQ" && up.scheme.axis === 1) {
    return axis1Up(gpu, options, pickOf);
  }
  const { sources, constants } = strip ?? matrixReading(gpu, up);
  const input = inputReading(undefined);
  const grid = strip === null
    ? spread(up.G * Math.ceil(up.P / 2), pick.count)
    : [strip.workgroupCount, 1, pick.count] as const;
  return kernelOp(gpu, {
    sources: [
      ...sources,
      input.source,
      ...pick.sources,
      ...(pick.misses ? [pick.misses.source] : []),
      strip === null
        ? { name: "expert_up.wgsl", code: expertUpCode }
        : { name: "expert_up_strip.wgsl", code: expertUpStripCode },
    ],
    constants: {
      ...constants,
      ...input.constants,
      ...pick.constants,
      ...pick.misses?.constants,
      X_STRIDE: x.stride,
      Y_STRIDE: scratch.h.stride,
      ...(strip === null
        ? { MATRIX3_AT: at.w3 }
        : { MATRIX_STEP: (at.w3 - at.w1) / 4 }),
    },
    bindings: {
      0: buffer,
      1: x.buffer,
      2: scratch.h.buffer,
      ...input.bindings,
      ...pick.bindings,
      ...pick.misses?.bindings,
    },
    workgroups: () => grid,
    cost: costOf(pick, up, up),
  });
}
