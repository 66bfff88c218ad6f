/** Experts that are not on the GPU, or in slots: copies, and products that read them. */

import { bankSlotByteLength } from "../src/offload/slot_banks.ts";
import { bankExperts } from "../src/ops/bank_experts.ts";
import type { PoolPart } from "../src/ops/bound_experts.ts";
import { ExpertCopier } from "../src/ops/copy.ts";
import type { ExpertLayout } from "../src/ops/expert_layout.ts";
import type { Op } from "../src/ops/op.ts";
import { makeExpertUses, slotExpert } from "../src/ops/slot_expert.ts";
import { type StagedParts, stagePart } from "../src/ops/stage.ts";
import { randomWeights } from "../src/engine/random_weights.ts";
import { axis1Layout } from "./_expert_cases.ts";
import {
  type BenchCase,
  type BenchOps,
  evenRouting,
  expertScratch,
  type Lab,
  rows,
} from "./_lab.ts";

/** All cases of the suite: bytes are those of weights, wherever they are read. */
export const OFFLOAD_CASES: readonly BenchCase[] = [
  { name: "copy of an expert from the pool", make: copy },
  { name: "a token's experts in slots", make: (lab) => banked(lab, {}) },
  {
    name: "a token's experts, one missing",
    make: (lab) => banked(lab, { missCount: 1 }),
  },
  {
    name: "a token's experts, all missing",
    make: (lab) => banked(lab, { missCount: lab.config.numExpertsPerTok }),
  },
  {
    name: "a token's experts, all missing, axis 1",
    make: (lab) =>
      banked(lab, {
        missCount: lab.config.numExpertsPerTok,
        layout: axis1Layout(lab),
      }),
  },
  {
    name: "a token's experts, half of one staged",
    make: (lab) => banked(lab, { missCount: 1, isStaged: true }),
  },
  { name: "half of an expert is staged", make: stage },
  { name: "an expert in a slot, one token", make: (lab) => slot(lab, 1) },
  { name: "an expert in a slot, 64 tokens", make: (lab) => slot(lab, 64) },
];

/** Memory that the GPU reads over the bus, where there is such. */
function poolOf(
  { gpu, config }: Lab,
  { wordCount }: ExpertLayout,
): PoolPart {
  const count = config.numLocalExperts;
  const { MAP_READ, STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
  const buffer = gpu.canPin
    ? gpu.device.createBuffer({
      label: "pool",
      size: count * wordCount * 4,
      usage: MAP_READ | STORAGE | COPY_SRC | COPY_DST,
    })
    : gpu.storageBuffer("pool", count * wordCount * 4);
  return { buffer, firstExpert: 0, count, index: 0 };
}

async function copy(lab: Lab): Promise<BenchOps> {
  const { gpu, config, expertLayout } = lab;
  const { buffer } = poolOf(lab, expertLayout);
  const expertByteLength = expertLayout.wordCount * 4;
  const copier = await ExpertCopier.create(gpu, {
    expertByteLength,
    expertLimit: config.numLocalExperts,
    pieceByteLength: expertByteLength,
  });
  const slots = [0, 1].map((i) =>
    copier.bind(buffer, gpu.storageBuffer(`slot ${i}`, expertByteLength))
  );
  const ops = Array.from(
    { length: config.numLocalExperts },
    (_, expert): Op => ({
      name: "copy",
      encode: (pass) =>
        copier.encode(pass, slots[expert % 2]!, {
          expert,
          piece: 0,
          toEnd: true,
        }),
    }),
  );
  return { ops, byteLength: expertByteLength, owned: [buffer] };
}

/** Experts that the router has found a slot for; some are to be brought there. */
async function banked(
  lab: Lab,
  { missCount = 0, isStaged = false, layout = lab.expertLayout }: {
    missCount?: number;
    isStaged?: boolean;
    layout?: ExpertLayout;
  },
): Promise<BenchOps> {
  const { gpu, config } = lab;
  const { numExpertsPerTok: topK } = config;
  const slotByteLength = bankSlotByteLength(layout.wordCount * 4);
  const slotCount = config.numLocalExperts;
  const bank = gpu.storageBuffer("slots", slotCount * slotByteLength);
  const pool = [poolOf(lab, layout)];
  const x = rows(lab, config.hiddenSize);
  const scratch = expertScratch(lab, layout);
  const ops: Op[] = [];
  for (let first = 0; first < slotCount; first += topK) {
    const uses = gpu.storageBuffer("uses", (topK + 2) * 16);
    const staged = isStaged ? stagedParts(lab, layout) : null;
    const words = Array.from({ length: topK }, (_, rank) => [
      rank,
      first + rank,
      first + rank,
      rank >= missCount ? 0 : 1 + (staged?.first.count ?? 0),
    ]);
    gpu.upload(uses, new Uint8Array(Uint32Array.from(words.flat()).buffer));
    ops.push(
      await bankExperts(gpu, {
        layout,
        x,
        routing: evenRouting(lab, first),
        scratch,
        banks: [{ buffer: bank, firstSlot: 0, slotCount }],
        slotByteLength,
        pool,
        uses,
        staged,
      }),
    );
  }
  return {
    ops,
    byteLength: topK * layout.wordCount * 4,
    owned: pool.map(({ buffer }) => buffer),
  };
}

/** Room for half of an expert, all of it in the first part. */
function stagedParts({ gpu }: Lab, layout: ExpertLayout): StagedParts {
  const count = Math.ceil(layout.wordCount / 4 / 2);
  const buffer = (label: string, size: number) =>
    gpu.storageBuffer(label, size);
  return {
    first: { buffer: buffer("staged first", count * 16), count },
    rest: { buffer: buffer("staged rest", 16), count: 0 },
  };
}

async function stage(lab: Lab): Promise<BenchOps> {
  const { gpu, expertLayout: layout, config: { numExpertsPerTok: topK } } = lab;
  const { first: part } = stagedParts(lab, layout);
  const pool = poolOf(lab, layout);
  const uses = gpu.storageBuffer("uses", (topK + 2) * 16);
  const named = Uint32Array.of(0, part.count, 0, 0);
  gpu.upload(uses, new Uint8Array(named.buffer), topK * 16);
  const op = await stagePart(gpu, {
    layout,
    topK,
    pool: [pool],
    uses,
    part,
    first: 0,
    before: [],
  });
  return { ops: [op], byteLength: part.count * 16, owned: [pool.buffer] };
}

/** What the host decides on: an expert in a buffer of its own. */
async function slot(lab: Lab, tokenCount: number): Promise<BenchOps> {
  const { gpu, config, expertLayout: layout } = lab;
  const { hiddenSize, intermediateSize } = config;
  const routing = evenRouting(lab);
  const bytes = [layout.up, layout.up, layout.down].map(randomWeights);
  const slotBuffer = gpu.storageBuffer("slot", layout.wordCount * 4);
  let at = 0;
  for (const part of bytes) {
    gpu.upload(slotBuffer, part, at);
    at += part.length;
  }
  const scratch = expertScratch(lab, layout);
  // All rows are the first expert's.
  const lists = Uint32Array.from({ length: tokenCount }, (_, i) => i);
  gpu.upload(scratch.lists, new Uint8Array(lists.buffer));
  const counts = Uint32Array.of(tokenCount);
  gpu.upload(scratch.counts, new Uint8Array(counts.buffer));
  const { byRank, byExpert } = await slotExpert(gpu, {
    layout,
    buffer: slotBuffer,
    x: rows(lab, hiddenSize, tokenCount),
    routing,
    scratch,
    uses: makeExpertUses(gpu, routing),
  });
  const ops = tokenCount === 1
    ? [byRank[0]!.up, byRank[0]!.down]
    : byExpert[0]!;
  const all: Op = {
    name: "slot",
    encode: (pass) => ops.forEach((op) => op.encode(pass, tokenCount)),
  };
  return {
    ops: [all],
    tokenCount,
    byteLength: layout.wordCount * 4,
    flops: tokenCount === 1
      ? 0
      : 6 * tokenCount * hiddenSize * intermediateSize,
  };
}
