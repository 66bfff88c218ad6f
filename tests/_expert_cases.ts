/** The experts of a layer, all on the GPU or in slots. */

import type { Gpu } from "../src/gpu/device.ts";
import { groupRows } from "../src/ops/expert_matmul.ts";
import { type Scheme, SCHEMES } from "../src/ops/matrix.ts";
import { bankSlotByteLength } from "../src/offload/slot_banks.ts";
import { makeExpertUses, slotExpert } from "../src/ops/slot_expert.ts";
import { makeBanks, makeResident, makeStagedBanks } from "./_expert_runners.ts";
import {
  checkExperts,
  type ExpertShape,
  type MakeRunner,
  type PlacedExperts,
} from "./_expert_check.ts";
import {
  FLOAT_SHAPES,
  HALF_STRIP_SHAPE,
  HQQ_SHAPES,
  STRIP_SHAPES,
  stripShapesOf,
} from "./_expert_shapes.ts";
import { runOps, STRIPS, SUMMING, WIDE_MATMUL } from "./_gpu.ts";
import { IS_LONG, type KernelCase, type KernelTest } from "./_kernel_case.ts";
import {
  fewFilesOf,
  filesOf,
  matvecFilesOf,
  shareFilesOf,
  STRIP_SCHEMES,
  stripFilesOf,
  summingOf,
} from "./_kernel_files.ts";
import { schemeName } from "./_matrices.ts";
import { withRandom } from "./_random.ts";

const KERNELS = [
  "group_rows.wgsl",
  "lib/step.wgsl",
];

/** Where W1 and W3 are two products: on the CPU, and on a GPU for few rows. */
const STEPS = ["swiglu.wgsl"];

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

/** A token, and another one: several are `residentExperts()`. */
const ONE_TOKEN = [1, 1];

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
        kernels: [...kernels, ...STEPS, ...SLOT_KERNELS],
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
        tokenCounts: ONE_TOKEN,
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
        tokenCounts: ONE_TOKEN,
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
      {
        what: "bankExperts() of int8 activations",
        makeRunner: makeBanks,
        kernels: [...BANK_KERNELS, "lib/weights_fill.wgsl"],
        shapes: STRIP_SHAPES.slice(0, 1),
        activations: "int8" as const,
      },
    ]
      // How inputs are rounded does not depend on all of what reads them.
      .filter(({ activations }) => IS_LONG || !activations || scheme.bits === 4)
      .map(({ what, makeRunner, kernels, shapes, activations }) => ({
        name: `${what} is W2 (silu(W1 x) W3 x) in strips with ${
          schemeName(scheme)
        }`,
        kernels: [
          ...KERNELS,
          // Where all products of many rows are wide, W1 and W3 are one.
          ...(fewFilesOf(scheme).length > 0 ? STEPS : []),
          ...STRIP_KERNELS,
          ...WIDE_MATMUL,
          ...fewFilesOf(scheme),
          "lib/halves_gated.wgsl",
          ...filesOf(scheme),
          ...stripFilesOf(scheme, activations),
          ...(makeRunner === makeSlots || activations
            ? []
            : shareFilesOf(scheme)),
          // The many units of the second shape.
          ...(scheme.bits > 2 && makeRunner === makeResident
            ? ["lib/walk_pairs.wgsl"]
            : []),
          ...kernels,
        ],
        summing: [],
        options: { ...STRIPS, ...activations && { activations } },
        run: ({ gpu }: KernelTest) =>
          makeRunner === makeBanks
            ? checkBanks(gpu, scheme, shapes)
            : checkShapes(gpu, scheme, { makeRunner, shapes }),
      }))
  ),
];

/** With nothing staged, and with a part of an expert; of one token, twice. */
async function checkBanks(
  gpu: Gpu,
  scheme: Scheme,
  shapes: readonly ExpertShape[],
): Promise<void> {
  for (
    const [makeRunner, some] of [
      [makeBanks, shapes],
      [makeStagedBanks, shapes.slice(0, 1)],
    ] as const
  ) {
    await checkShapes(gpu, scheme, {
      makeRunner,
      shapes: some,
      tokenCounts: ONE_TOKEN,
    });
  }
}

function checkShapes(
  gpu: Gpu,
  scheme: Scheme,
  { makeRunner, shapes, tokenCounts }: {
    makeRunner: MakeRunner;
    shapes: readonly ExpertShape[];
    tokenCounts?: readonly number[];
  },
): Promise<void> {
  return withRandom(10, async (random) => {
    for (const shape of shapes) {
      await checkExperts(gpu, random, {
        shape,
        scheme,
        makeRunner,
        ...tokenCounts && { tokenCounts },
      });
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
