/** Experts for many tokens: products with the rows that each expert gets. */

import type { Gpu } from "../gpu/device.ts";
import groupRowsCode from "../../kernels/group_rows.wgsl" with { type: "text" };
import swigluCode from "../../kernels/swiglu.wgsl" with { type: "text" };
import type { ExpertScratch } from "./expert_layout.ts";
import type { ExpertsOptions, PickOf } from "./experts.ts";
import { byRowCount, matmul, matmulBy, type Share } from "./matmul.ts";
import { fewWay, type MatmulWay, narrowWay, wideWay } from "./matmul_ways.ts";
import type { WeightPick } from "./pick.ts";
import type { Routing } from "./moe.ts";
import {
  type Bound,
  kernelOp,
  type Op,
  type Rows,
  sequence,
  withRole,
} from "./op.ts";
import { STEP_BINDING, STEP_SOURCE } from "./step.ts";

/** Experts whose rows {@linkcode groupRows} has listed. */
type GroupedExperts = ExpertsOptions & { readonly buffer: Bound };

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
  options: GroupedExperts,
  pickOf: PickOf,
): Promise<Op[]> {
  const { buffer, layout, routing, scratch: { h, y } } = options;
  const { topK, expertCount } = routing;
  const share = { rowsPerToken: topK / expertCount, pickCount: expertCount };
  return [
    await upOp(gpu, options, { pickOf, share }),
    withRole(
      "w2",
      await matmul(gpu, {
        matrix: { buffer, layout: layout.down },
        x: h,
        y,
        add: false,
        pick: pickOf(layout.at.w2, 1),
        share,
      }),
    ),
  ];
}

/** h = silu(W1 x) * W3 x: in one kernel where that is `matmul_wide.wgsl`. */
async function upOp(
  gpu: Gpu,
  options: GroupedExperts,
  { pickOf, share }: { pickOf: PickOf; share: Share },
): Promise<Op> {
  const { buffer, layout: { up, at }, x, routing, scratch } = options;
  const [w1, w3] = [at.w1, at.w3].map((at) => pickOf(at, routing.topK));
  const product = (way: MatmulWay, y: Rows, pick: WeightPick) => {
    const matrix = { buffer, layout: up };
    return matmulBy(gpu, { matrix, x, y, add: false, pick }, way);
  };
  const inSteps = async (way: MatmulWay) =>
    sequence("expert_up", [
      withRole("w1", await product(way, scratch.h, w1!)),
      withRole("w3", await product(way, scratch.h3, w3!)),
      withRole("experts", await swiglu(gpu, scratch, w1!)),
    ]);
  if (!gpu.hasWideWorkgroups) return await inSteps(narrowWay(up));
  const wide = wideWay(up, at.w3 - at.w1);
  const many = withRole("w1, w3", await product(wide, scratch.h, w1!));
  const few = fewWay(up);
  if (few === null) return many;
  return byRowCount(await inSteps(few), many, { wide, share });
}

function swiglu(
  gpu: Gpu,
  { h, h3 }: ExpertScratch,
  { sources, constants, bindings, count }: WeightPick,
): Promise<Op> {
  return kernelOp(gpu, {
    sources: [...sources, { name: "swiglu.wgsl", code: swigluCode }],
    constants: { ...constants, STRIDE: h.stride },
    bindings: { ...bindings, 0: h.buffer, 1: h3.buffer },
    workgroups: (tokenCount) => [Math.ceil(h.stride / 64), tokenCount, count],
  });
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
