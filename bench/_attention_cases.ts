/** Attention: of one token at some position, and of many. */

import { attentionByToken } from "../src/ops/attention.ts";
import { selfAttention } from "../src/ops/self_attention.ts";
import { kvWidth, qWidth } from "./_decode_cases.ts";
import {
  type BenchCase,
  type BenchOps,
  coldCopies,
  type Lab,
  rows,
} from "./_lab.ts";

/** Positions of a token; those beyond the model's are left out. */
const POSITIONS = [16, 144, 511, 1024, 4095, 32_767];
/** Tokens of a prompt, and where it begins. */
const PROMPTS = [[64, 0], [128, 0], [512, 0], [2048, 0], [512, 4096]] as const;

/** All cases of the suite. */
export const ATTENTION_CASES: readonly BenchCase[] = [
  ...POSITIONS.map((position): BenchCase => ({
    name: `one token at ${position}`,
    make: (lab) => attend(lab, { tokenCount: 1, position }),
  })),
  {
    name: "one token at 511, heads that fit no subgroup",
    make: (lab) => attend(lab, { tokenCount: 1, position: 511, headDim: 20 }),
  },
  ...PROMPTS.map(([tokenCount, position]): BenchCase => ({
    name: `${tokenCount} tokens at ${position}`,
    make: (lab) => attend(lab, { tokenCount, position }),
  })),
  {
    name: "64 tokens at 0, token by token",
    make: (lab) =>
      attend(lab, { tokenCount: 64, position: 0, isByToken: true }),
  },
];

/** Keys and values in as many buffers as no cache holds. */
async function attend(
  lab: Lab,
  { tokenCount, position, headDim = lab.config.headDim, isByToken = false }: {
    tokenCount: number;
    position: number;
    headDim?: number;
    isByToken?: boolean;
  },
): Promise<BenchOps | null> {
  const { gpu, config, step, tokenLimit } = lab;
  const contextLength = position + tokenCount;
  const isTooLong = contextLength > config.maxPositionEmbeddings;
  if (tokenCount > tokenLimit || isTooLong) return null;
  const { numAttentionHeads: headCount, numKeyValueHeads: kvHeadCount } =
    config;
  const [wide, narrow] = [qWidth(lab), kvWidth(lab)];
  const kvByteLength = contextLength * kvHeadCount * headDim * 4;
  const row = (width: number) => rows(lab, width, tokenCount);
  const [q, k, v, y] = [row(wide), row(narrow), row(narrow), row(wide)];
  const rotated = gpu.storageBuffer("rotated", tokenCount * wide * 4);
  const angles = gpu.storageBuffer("angles", contextLength * headDim * 4);
  const op = () => {
    const cache = {
      k: gpu.storageBuffer("keys", kvByteLength),
      v: gpu.storageBuffer("values", kvByteLength),
    };
    const shape = { headDim, headCount, kvHeadCount, window: 0 };
    const from = { q, k, v, rotated, angles, cache, y, step: step.step };
    return (isByToken ? attentionByToken : selfAttention)(gpu, {
      ...shape,
      ...from,
    });
  };
  const copyCount = tokenCount > 1 ? 1 : coldCopies(lab, 2 * kvByteLength);
  // A token sees those before it and itself.
  const seen = tokenCount * position + tokenCount * (tokenCount + 1) / 2;
  return {
    ops: await Promise.all(Array.from({ length: copyCount }, op)),
    tokenCount,
    position,
    byteLength: 2 * kvByteLength,
    flops: tokenCount === 1 ? 0 : 4 * headCount * headDim * seen,
  };
}
