/** The experts of a layer, all on the GPU or in slots. */

import type { Gpu } from "../src/gpu/device.ts";
import { groupRows, residentExperts } from "../src/ops/experts.ts";
import { type Scheme, SCHEMES } from "../src/ops/matrix.ts";
import { makeExpertUses, slotExpert } from "../src/ops/slot_expert.ts";
import {
  checkExperts,
  type ExpertShape,
  type MakeRunner,
  type PlacedExperts,
} from "./_expert_check.ts";
import { runOps, SUMMING, WIDE_SUMMING } from "./_gpu.ts";
import type { KernelCase, KernelTest } from "./_kernel_case.ts";
import { filesOf, matvecFilesOf, WIDE_SCHEMES } from "./_linear_cases.ts";
import { schemeName } from "./_matrices.ts";
import { withRandom } from "./_random.ts";

/** The last is for every way of summing and for slots. */
const FLOAT_SHAPES: readonly ExpertShape[] = [
  { expertCount: 1, topK: 1, hiddenSize: 5, intermediateSize: 3 },
  { expertCount: 3, topK: 3, hiddenSize: 30, intermediateSize: 67 },
  { expertCount: 11, topK: 2, hiddenSize: 66, intermediateSize: 40 },
];

/** The last is for every way of summing and for slots. */
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

/** It can be read 16 inputs at a time. */
const WIDE_SHAPE: ExpertShape = {
  expertCount: 5,
  topK: 2,
  hiddenSize: 48,
  intermediateSize: 96,
  up: { groupSize: 12, scaleGroupSize: 12 },
  down: { groupSize: 12, scaleGroupSize: 24 },
};

const KERNELS = [
  "group_rows.wgsl",
  "matmul.wgsl",
  "lib/matmul_tiles.wgsl",
  "lib/step.wgsl",
  "swiglu.wgsl",
];

/** The files that run an expert for one token. */
function oneTokenFilesOf(scheme: Scheme): string[] {
  const files = matvecFilesOf(scheme);
  return files.includes("matvec.wgsl") ? ["expert_up.wgsl", ...files] : files;
}

const WIDE_KERNELS = ["expert_up.wgsl", "matvec.wgsl", "lib/inputs_16.wgsl"];

const RESIDENT_KERNELS = ["lib/pick_expert.wgsl", "lib/rows_expert.wgsl"];
const SLOT_KERNELS = ["lib/pick_slot.wgsl", "lib/rows_slot.wgsl"];

/** All cases of this file. */
export const EXPERT_CASES: readonly KernelCase[] = [
  ...SCHEMES.flatMap((scheme) => {
    const kernels = [
      ...KERNELS,
      ...oneTokenFilesOf(scheme),
      ...filesOf(scheme),
    ];
    const shapes = scheme.type === "HQQ" ? HQQ_SHAPES : FLOAT_SHAPES;
    const few = shapes.slice(-1);
    return [
      {
        name: `residentExperts() is W2 (silu(W1 x) W3 x) with ${
          schemeName(scheme)
        }`,
        kernels: [...kernels, ...RESIDENT_KERNELS],
        summing: SUMMING,
        run: ({ gpu, hasFewShapes }: KernelTest) =>
          checkShapes(gpu, scheme, {
            makeRunner: makeResident,
            shapes: hasFewShapes ? few : shapes,
          }),
      },
      {
        name: `slotExpert() is W2 (silu(W1 x) W3 x) with ${schemeName(scheme)}`,
        kernels: [...kernels, ...SLOT_KERNELS],
        summing: SUMMING.slice(0, 1), // they sum as residentExperts() does
        run: ({ gpu }: KernelTest) =>
          checkShapes(gpu, scheme, { makeRunner: makeSlots, shapes: few }),
      },
    ];
  }),
  ...WIDE_SCHEMES.flatMap((scheme) =>
    [
      {
        what: "residentExperts()",
        makeRunner: makeResident,
        kernels: RESIDENT_KERNELS,
        summing: WIDE_SUMMING,
      },
      {
        what: "slotExpert()",
        makeRunner: makeSlots,
        kernels: SLOT_KERNELS,
        summing: WIDE_SUMMING.slice(0, 1),
      },
    ].map(({ what, makeRunner, kernels, summing }) => ({
      name: `${what} is W2 (silu(W1 x) W3 x) with ${schemeName(scheme)}`,
      kernels: [...KERNELS, ...WIDE_KERNELS, ...filesOf(scheme), ...kernels],
      summing,
      run: ({ gpu }: KernelTest) =>
        checkShapes(gpu, scheme, { makeRunner, shapes: [WIDE_SHAPE] }),
    }))
  ),
];

function checkShapes(
  gpu: Gpu,
  scheme: Scheme,
  { makeRunner, shapes }: {
    makeRunner: MakeRunner;
    shapes: readonly ExpertShape[];
  },
): Promise<void> {
  return withRandom(10, async (random) => {
    for (const shape of shapes) {
      await checkExperts(gpu, random, { shape, scheme, makeRunner });
    }
  });
}

async function makeResident(gpu: Gpu, { step, ...placed }: PlacedExperts) {
  const op = await residentExperts(gpu, { ...placed, step: step.step });
  return (tokenCount: number) => runOps(gpu, [op], { step, tokenCount });
}

/** Every expert in a slot of its own; only the chosen ones run. */
async function makeSlots(
  gpu: Gpu,
  { buffer, step, ...placed }: PlacedExperts,
) {
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
  return (tokenCount: number, ids: readonly number[]) => {
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
}
