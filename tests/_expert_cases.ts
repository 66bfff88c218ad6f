/** The experts of a layer, all on the GPU or in slots. */

import type { Gpu } from "../src/gpu/device.ts";
import { groupRows, residentExperts } from "../src/ops/experts.ts";
import { type Scheme, SCHEMES } from "../src/ops/matrix.ts";
import { makeExpertUses, slotExpert } from "../src/ops/slot_expert.ts";
import {
  checkExperts,
  type ExpertShape,
  type MakeRunner,
} from "./_expert_check.ts";
import { runOps } from "./_gpu.ts";
import type { KernelCase } from "./_kernel_case.ts";
import { filesOf } from "./_linear_cases.ts";
import { schemeName } from "./_matrices.ts";
import { withRandom } from "./_random.ts";

/** The last is for every way of summing, and for slots. */
const FLOAT_SHAPES: readonly ExpertShape[] = [
  { expertCount: 1, topK: 1, hiddenSize: 5, intermediateSize: 3 },
  { expertCount: 3, topK: 3, hiddenSize: 30, intermediateSize: 67 },
  { expertCount: 11, topK: 2, hiddenSize: 66, intermediateSize: 40 },
];

/** The last is for every way of summing, and for slots. */
const HQQ_SHAPES: readonly ExpertShape[] = [
  { expertCount: 3, topK: 1, hiddenSize: 256, intermediateSize: 64 },
  {
    expertCount: 9,
    topK: 3,
    hiddenSize: 36,
    intermediateSize: 60,
    up: { groupSize: 12, scaleGroupSize: 9 }, // pads words of 3 bits,
    down: { groupSize: 12, scaleGroupSize: 18 },
  },
];

const KERNELS = [
  "expert_up.wgsl",
  "matvec.wgsl",
  "group_rows.wgsl",
  "matmul.wgsl",
  "lib/matmul_tiles.wgsl",
  "lib/step.wgsl",
  "swiglu.wgsl",
];

/** All cases of this file. */
export const EXPERT_CASES: readonly KernelCase[] = SCHEMES.flatMap((scheme) => [
  {
    name: `residentExperts() is W2 (silu(W1 x) W3 x) with ${
      schemeName(scheme)
    }`,
    kernels: [
      ...KERNELS,
      ...filesOf(scheme),
      "lib/pick_expert.wgsl",
      "lib/rows_expert.wgsl",
    ],
    reduces: true,
    run: ({ gpu, hasFewShapes }: { gpu: Gpu; hasFewShapes: boolean }) =>
      checkShapes(gpu, scheme, { makeRunner: makeResident, hasFewShapes }),
  },
  {
    name: `slotExpert() is W2 (silu(W1 x) W3 x) with ${schemeName(scheme)}`,
    kernels: [
      ...KERNELS,
      ...filesOf(scheme),
      "lib/pick_slot.wgsl",
      "lib/rows_slot.wgsl",
    ],
    reduces: true,
    run: ({ gpu }: { gpu: Gpu }) =>
      checkShapes(gpu, scheme, { makeRunner: makeSlots, hasFewShapes: true }),
  },
]);

function checkShapes(
  gpu: Gpu,
  scheme: Scheme,
  { makeRunner, hasFewShapes }: {
    makeRunner: MakeRunner;
    hasFewShapes: boolean;
  },
): Promise<void> {
  return withRandom(10, async (random) => {
    const all = scheme.type === "HQQ" ? HQQ_SHAPES : FLOAT_SHAPES;
    for (const shape of all.slice(hasFewShapes ? -1 : 0)) {
      await checkExperts(gpu, random, { shape, scheme, makeRunner });
    }
  });
}

const makeResident: MakeRunner = async (gpu, { step, ...placed }) => {
  const op = await residentExperts(gpu, { ...placed, step: step.step });
  return (tokenCount) => runOps(gpu, [op], { step, tokenCount });
};

/** Every expert in a slot of its own; only the chosen ones run. */
const makeSlots: MakeRunner = async (gpu, { buffer, step, ...placed }) => {
  const { routing, layout, scratch } = placed;
  const group = await groupRows(gpu, { routing, scratch, step: step.step });
  const uses = makeExpertUses(gpu, routing);
  const byteLength = layout.wordCount * 4;
  const commands = gpu.device.createCommandEncoder();
  const slots = await Promise.all(
    Array.from({ length: routing.expertCount }, (_, id) => {
      const slot = gpu.storageBuffer(`slot ${id}`, byteLength);
      commands.copyBufferToBuffer(buffer, id * byteLength, slot, 0, byteLength);
      return slotExpert(gpu, { ...placed, buffer: slot, uses });
    }),
  );
  gpu.device.queue.submit([commands.finish()]);
  return (tokenCount, ids) => {
    const ops = tokenCount === 1
      ? ids.flatMap((id, rank) => {
        const { up, down } = slots[id]!.byRank[rank]!;
        return [up, down];
      })
      : [group, ...new Set(ids)].flatMap((id) =>
        typeof id === "number" ? slots[id]!.byExpert[id]! : id
      );
    runOps(gpu, ops, { step, tokenCount });
  };
};
