/** The experts of a layer, all on the GPU or in slots. */

import type { Gpu } from "../src/gpu/device.ts";
import { groupRows } from "../src/ops/experts.ts";
import { type HqqScheme, type Scheme, SCHEMES } from "../src/ops/matrix.ts";
import { bankSlotByteLength } from "../src/offload/slot_banks.ts";
import { makeExpertUses, slotExpert } from "../src/ops/slot_expert.ts";
import { makeBanks, makeResident, makeStagedBanks } from "./_expert_runners.ts";
import {
  checkExperts,
  type ExpertShape,
  type MakeRunner,
  type PlacedExperts,
} from "./_expert_check.ts";
import { runOps, STRIPS, SUMMING, WIDE_MATMUL } from "./_gpu.ts";
import type { KernelCase, KernelTest } from "./_kernel_case.ts";
import {
  filesOf,
  matvecFilesOf,
  shareFilesOf,
  STRIP_SCHEMES,
  stripFilesOf,
  summingOf,
} from "./_kernel_files.ts";
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

/** `lib/strip.wgsl` reads them; the second cuts the inputs of W2 into parts. */
const STRIP_SHAPES: readonly ExpertShape[] = [
  {
    expertCount: 5,
    topK: 2,
    hiddenSize: 48,
    intermediateSize: 96,
    up: { groupSize: 16, scaleGroupSize: 2 },
    down: { groupSize: 16, scaleGroupSize: 3 },
  },
  {
    expertCount: 2,
    topK: 2,
    hiddenSize: 16,
    intermediateSize: 8192,
    up: { groupSize: 16, scaleGroupSize: 128 },
    down: { groupSize: 16, scaleGroupSize: 128 },
  },
];

/** The first has scales for 16 inputs; the second for 64, and cuts those of W2. */
const AXIS1_STRIP_SHAPES: readonly ExpertShape[] = [
  STRIP_SHAPES[0]!,
  {
    expertCount: 2,
    topK: 2,
    hiddenSize: 64,
    intermediateSize: 64 * 69, // parts of a multiple of 64
    up: { groupSize: 64, scaleGroupSize: 0 },
    down: { groupSize: 64, scaleGroupSize: 0 },
  },
];

/** `lib/strip.wgsl` reads W2; W1 and W3 have more inputs than a workgroup takes. */
const HALF_STRIP_SHAPE: ExpertShape = {
  expertCount: 2,
  topK: 2,
  hiddenSize: 16_400,
  intermediateSize: 16,
  up: { groupSize: 16, scaleGroupSize: 1025 },
  down: { groupSize: 16, scaleGroupSize: 1025 },
};

const KERNELS = [
  "group_rows.wgsl",
  "lib/step.wgsl",
  "swiglu.wgsl",
];

/** The files that run an expert for one token. */
function oneTokenFilesOf(scheme: Scheme): string[] {
  const files = matvecFilesOf(scheme);
  return files.includes("matvec.wgsl") ? ["expert_up.wgsl", ...files] : files;
}

const STRIP_KERNELS = ["expert_up_strip.wgsl", "matvec_strip.wgsl"];

const RESIDENT_KERNELS = ["lib/pick_expert.wgsl", "lib/rows_expert.wgsl"];
const BANK_KERNELS = [
  "lib/bound.wgsl",

  "lib/pick_use.wgsl",
  "lib/miss_pool.wgsl",
  "lib/miss_staged.wgsl",
];
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
        summing: summingOf(scheme),
        run: ({ gpu, hasFewShapes }: KernelTest) =>
          checkShapes(gpu, scheme, {
            makeRunner: makeResident,
            shapes: hasFewShapes ? few : shapes,
          }),
      },
      {
        name: `bankExperts() is W2 (silu(W1 x) W3 x) with ${
          schemeName(scheme)
        }`,
        kernels: [...oneTokenFilesOf(scheme), ...BANK_KERNELS, "fetch.wgsl"],
        summing: SUMMING.slice(0, 1),
        run: ({ gpu }: KernelTest) => checkBanks(gpu, scheme, few),
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
  {
    name: "bankExperts() brings in all of an expert that is half in strips",
    kernels: ["expert_up.wgsl", "matvec_strip.wgsl", "fetch.wgsl"],
    summing: SUMMING.filter(({ options }) => options.wideWorkgroups),
    run: ({ gpu }: KernelTest) =>
      checkShapes(gpu, STRIP_SCHEMES[0]!, {
        makeRunner: makeBanks,
        shapes: [HALF_STRIP_SHAPE],
      }),
  },
  {
    name: "bankExperts() is half in strips along axis 1 too",
    kernels: ["matvec_axis1.wgsl", "matvec_strip.wgsl", "fetch.wgsl"],
    summing: SUMMING.filter(({ options }) => options.wideWorkgroups),
    run: ({ gpu }: KernelTest) =>
      checkShapes(gpu, STRIP_SCHEMES.at(-1)!, {
        makeRunner: makeBanks,
        shapes: [HALF_STRIP_SHAPE],
      }),
  },
  ...STRIP_SCHEMES.flatMap((scheme) =>
    [
      {
        what: "residentExperts()",
        makeRunner: makeResident,
        kernels: RESIDENT_KERNELS,
        shapes: stripShapesOf(scheme),
      },
      {
        what: "slotExpert()",
        makeRunner: makeSlots,
        kernels: SLOT_KERNELS,
        shapes: stripShapesOf(scheme).slice(0, 1),
      },
      {
        what: "bankExperts()",
        makeRunner: makeBanks,
        kernels: [...BANK_KERNELS, "lib/weights_fill.wgsl"],
        shapes: stripShapesOf(scheme),
      },
    ].map(({ what, makeRunner, kernels, shapes }) => ({
      name: `${what} is W2 (silu(W1 x) W3 x) in strips with ${
        schemeName(scheme)
      }`,
      kernels: [
        ...KERNELS,
        ...STRIP_KERNELS,
        ...WIDE_MATMUL,
        ...filesOf(scheme),
        ...stripFilesOf(scheme),
        ...(makeRunner === makeSlots ? [] : shareFilesOf(scheme)),
        // The many units of the second shape.
        ...(scheme.bits > 2 && makeRunner === makeResident
          ? ["lib/walk_pairs.wgsl"]
          : []),
        ...kernels,
      ],
      summing: [],
      options: STRIPS,
      run: ({ gpu }: KernelTest) =>
        makeRunner === makeBanks
          ? checkBanks(gpu, scheme, shapes)
          : checkShapes(gpu, scheme, { makeRunner, shapes }),
    }))
  ),
];

function stripShapesOf({ axis }: HqqScheme): readonly ExpertShape[] {
  return axis === 1 ? AXIS1_STRIP_SHAPES : STRIP_SHAPES;
}

/** With nothing staged, and with a part of an expert. */
async function checkBanks(
  gpu: Gpu,
  scheme: Scheme,
  shapes: readonly ExpertShape[],
): Promise<void> {
  await checkShapes(gpu, scheme, { makeRunner: makeBanks, shapes });
  const few = shapes.slice(0, 1);
  await checkShapes(gpu, scheme, { makeRunner: makeStagedBanks, shapes: few });
}

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

/** Every other expert in a buffer of its own or in a bank; the chosen ones run. */
async function makeSlots(
  gpu: Gpu,
  { buffer, step, ...placed }: PlacedExperts,
) {
  const { routing, layout, scratch } = placed;
  const group = await groupRows(gpu, { routing, scratch, step: step.step });
  const uses = makeExpertUses(gpu, routing);
  const byteLength = layout.wordCount * 4;
  const stride = bankSlotByteLength(byteLength);
  const bank = gpu.storageBuffer("bank", routing.expertCount * stride);
  const commands = gpu.device.createCommandEncoder();
  const slots = await Promise.all(
    Array.from({ length: routing.expertCount }, (_, id) => {
      const slot = id % 2 === 0
        ? { buffer: gpu.storageBuffer(`slot ${id}`, byteLength), offset: 0 }
        : { buffer: bank, offset: id * stride };
      const at = id * byteLength;
      const { buffer: to, offset } = slot;
      commands.copyBufferToBuffer(buffer, at, to, offset, byteLength);
      const place = { ...slot, size: byteLength };
      return slotExpert(gpu, { ...placed, buffer: place, uses });
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
