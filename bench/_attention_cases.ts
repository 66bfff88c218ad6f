/** Attention: of one token that sees some positions, and of many. */

import type { Gpu } from "../src/gpu/device.ts";
import {
  attentionByTile,
  attentionByToken,
  ropeKv,
} from "../src/ops/attention.ts";
import {
  attentionPartCount,
  attentionPartsByteLength,
  attentionSplit,
  isSplit,
} from "../src/ops/attention_split.ts";
import { type Op, sequence } from "../src/ops/op.ts";
import {
  selfAttention,
  type SelfAttentionOptions,
} from "../src/ops/self_attention.ts";
import { kvWidth, qWidth } from "./_decode_cases.ts";
import {
  type BenchCase,
  type BenchOps,
  coldCopies,
  fillRandomly,
  type Lab,
  rows,
} from "./_lab.ts";

/** Positions that a token sees, itself included; those beyond a model are left out. */
const SEEN = [16, 144, 300, 512, 1024, 4096, 32_768];
/** Other numbers of parts than the program's, and positions where these count. */
const PART_COUNTS = [8, 16, 64];
const LONG = 1024;
/** Tokens of a prompt, and where it begins. */
const PROMPTS = [
  [8, 4096],
  [64, 0],
  [128, 0],
  [512, 0],
  [2048, 0],
  [512, 4096],
] as const;

/** A way to make it; `null` where the GPU has nothing of the kind. */
type Way = (gpu: Gpu, options: SelfAttentionOptions) => Promise<Op | null>;

/** All cases of the suite. */
export const ATTENTION_CASES: readonly BenchCase[] = [
  ...SEEN.flatMap((seen): BenchCase[] => {
    const one = { tokenCount: 1, position: seen - 1 };
    // What it is that the program does not take here.
    const [other, way]: [string, Way] = isSplit(seen - 1, 0)
      ? ["whole", whole]
      : ["in parts", inParts()];
    const more = seen < LONG ? [] : PART_COUNTS.map((count): BenchCase => ({
      name: `one token that sees ${seen}, in ${count} parts`,
      make: (lab) => attend(lab, { ...one, way: inParts(count) }),
    }));
    return [
      {
        name: `one token that sees ${seen}`,
        make: (lab) => attend(lab, one),
      },
      {
        name: `one token that sees ${seen}, ${other}`,
        make: (lab) => attend(lab, { ...one, way }),
      },
      ...more,
    ];
  }),
  ...[300, 512].map((seen): BenchCase => ({
    name: `one token that sees ${seen}, heads that fit no subgroup`,
    make: (lab) =>
      attend(lab, { tokenCount: 1, position: seen - 1, headDim: 20 }),
  })),
  ...PROMPTS.flatMap(([tokenCount, position]): BenchCase[] => [
    {
      name: `${tokenCount} tokens at ${position}`,
      make: (lab) => attend(lab, { tokenCount, position }),
    },
    {
      name: `${tokenCount} tokens at ${position}, in small squares`,
      make: (lab) => attend(lab, { tokenCount, position, way: inSquares }),
    },
  ]),
  {
    name: "64 tokens at 0, token by token",
    make: (lab) =>
      attend(lab, { tokenCount: 64, position: 0, way: attentionByToken }),
  },
];

/** A token by one workgroup a head, however much it sees. */
function whole(gpu: Gpu, options: SelfAttentionOptions): Promise<Op | null> {
  return gpu.hasWideWorkgroups
    ? selfAttention(gpu, { ...options, parts: undefined })
    : Promise.resolve(null); // what is never split is whole anyway
}

/** A token in parts, however little it sees. */
function inParts(partCount?: number): Way {
  return (gpu, { parts, ...options }) =>
    attentionSplit(gpu, {
      ...options,
      parts: parts!,
      ...partCount === undefined ? {} : { partCount },
    });
}

/** As the CPU takes many tokens. */
async function inSquares(
  gpu: Gpu,
  options: SelfAttentionOptions,
): Promise<Op | null> {
  if (!gpu.hasWideWorkgroups) return null;
  const ops = [await ropeKv(gpu, options), await attentionByTile(gpu, options)];
  return sequence("attention", ops);
}

/** Keys and values in as many buffers as no cache holds. */
async function attend(
  lab: Lab,
  { tokenCount, position, headDim = lab.config.headDim, way = selfAttention }: {
    tokenCount: number;
    position: number;
    headDim?: number;
    way?: Way;
  },
): Promise<BenchOps | null> {
  const { gpu, config, step, tokenLimit } = lab;
  const contextLength = position + tokenCount;
  const isTooLong = contextLength > config.maxPositionEmbeddings;
  if (tokenCount > tokenLimit || isTooLong) return null;
  const { numAttentionHeads: headCount, numKeyValueHeads: kvHeadCount } =
    config;
  const shape = { headDim, headCount, kvHeadCount };
  const random = (label: string, byteLength: number) => {
    const buffer = gpu.storageBuffer(label, byteLength);
    fillRandomly(lab, buffer);
    return buffer;
  };
  const row = (width: number) => {
    const made = rows(lab, width, tokenCount);
    fillRandomly(lab, made.buffer);
    return made;
  };
  const kvByteLength = contextLength * kvHeadCount * headDim * 4;
  const [wide, narrow] = [qWidth(lab), kvWidth(lab)];
  const byteLength = attentionPartsByteLength(gpu, shape);
  const from = {
    ...shape,
    q: row(wide),
    k: row(narrow),
    v: row(narrow),
    y: rows(lab, wide, tokenCount),
    rotated: random("rotated", tokenCount * wide * 4),
    angles: random("angles", contextLength * headDim * 4),
    parts: byteLength === 0 ? undefined : gpu.storageBuffer(
      "parts",
      byteLength / attentionPartCount(shape) * Math.max(...PART_COUNTS),
    ),
    window: 0,
    step: step.step,
  };
  const copyCount = tokenCount > 1 ? 1 : coldCopies(lab, 2 * kvByteLength);
  const ops: Op[] = [];
  for (let i = 0; i < copyCount; i++) {
    const cache = {
      k: random("keys", kvByteLength),
      v: random("values", kvByteLength),
    };
    const op = await way(gpu, { ...from, cache });
    if (op === null) return null;
    ops.push(op);
  }
  // A token sees those before it and itself.
  const seen = tokenCount * position + tokenCount * (tokenCount + 1) / 2;
  return {
    ops,
    tokenCount,
    position,
    byteLength: 2 * kvByteLength,
    flops: tokenCount === 1 ? 0 : 4 * headCount * headDim * seen,
  };
}
