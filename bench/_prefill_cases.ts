/** Products of many rows, and what stands between them: prefill. */

import { residentExperts } from "../src/ops/experts.ts";
import type { ExpertLayout } from "../src/ops/expert_layout.ts";
import { linear, pickAllRows } from "../src/ops/linear.ts";
import { matmulBy } from "../src/ops/matmul.ts";
import { fewWay, type MatmulWay, wideWay } from "../src/ops/matmul_ways.ts";
import { type Matrix, type Scheme, SCHEMES } from "../src/ops/matrix.ts";
import { embed } from "../src/ops/embed.ts";
import { rmsNorm } from "../src/ops/norm.ts";
import { kvWidth, qWidth, schemeName } from "./_decode_cases.ts";
import { axis1Layout, expertBank } from "./_expert_cases.ts";
import {
  type BenchCase,
  type BenchOps,
  byteLengthOf,
  coldMatrices,
  evenRouting,
  expertScratch,
  type Lab,
  rows,
} from "./_lab.ts";

/** Tokens of a step; those that a lab does not hold are left out. */
const TOKEN_COUNTS = [2, 16, 64, 128, 512, 2048];
/** Where one number must do. */
const TOKENS = { hardware: 512, software: 64 };

/** All cases of the suite. */
export const PREFILL_CASES: readonly BenchCase[] = [
  ...TOKEN_COUNTS.map((tokenCount): BenchCase => ({
    name: `q, ${tokenCount} tokens`,
    make: (lab) =>
      product(lab, [qWidth(lab), lab.config.hiddenSize], { tokenCount }),
  })),
  {
    name: "k, many tokens",
    make: (lab) => product(lab, [kvWidth(lab), lab.config.hiddenSize], {}),
  },
  ...TOKEN_COUNTS.map((tokenCount): BenchCase => ({
    name: `experts of a layer, ${tokenCount} tokens`,
    make: (lab) => experts(lab, { tokenCount }),
  })),
  {
    name: "experts of a layer, axis 1, many tokens",
    make: (lab) => experts(lab, { layout: axis1Layout(lab) }),
  },
  ...SCHEMES.map((scheme): BenchCase => ({
    name: `W1 alone, ${schemeName(scheme)}, many tokens`,
    make: (lab) => {
      const { intermediateSize, hiddenSize } = lab.config;
      return product(lab, [intermediateSize, hiddenSize], { scheme });
    },
  })),
  ...TOKEN_COUNTS.flatMap((tokenCount) =>
    ([["few", fewWay], ["wide", wideWay]] as const).map((
      [name, wayOf],
    ): BenchCase => ({
      name: `W1 alone, ${tokenCount} tokens, by matmul_${name}`,
      make: (lab) => {
        const { up } = lab.expertLayout;
        const way = lab.gpu.hasWideWorkgroups ? wayOf(up) : null;
        if (way === null) return Promise.resolve(null);
        return product(lab, [up.N, up.K], {
          tokenCount,
          scheme: up.scheme,
          way,
        });
      },
    }))
  ),
  { name: "rmsnorm, many tokens", make: norm },
  ...(["F32", "F16", "BF16"] as const).map((type): BenchCase => ({
    name: `embed ${type}, many tokens`,
    make: (lab) => embedding(lab, type),
  })),
];

function manyTokens({ gpu }: Lab): number {
  return gpu.isSoftware ? TOKENS.software : TOKENS.hardware;
}

async function product(
  lab: Lab,
  [N, K]: readonly [number, number],
  { tokenCount = manyTokens(lab), scheme = lab.attention, way }: {
    tokenCount?: number;
    scheme?: Scheme;
    /** @default {undefined} the one that the program takes */
    way?: MatmulWay;
  },
): Promise<BenchOps | null> {
  const { gpu, step, tokenLimit } = lab;
  if (tokenCount > tokenLimit) return null;
  const matrices = coldMatrices(lab, [N, K], scheme);
  const [x, y] = [rows(lab, K, tokenCount), rows(lab, N, tokenCount)];
  const pick = pickAllRows(step.step);
  const op = (matrix: Matrix) =>
    way === undefined
      ? linear(gpu, { matrix, x, y, step: step.step })
      : matmulBy(gpu, { matrix, x, y, add: false, pick }, way);
  return {
    ops: await Promise.all(matrices.map(op)),
    tokenCount,
    byteLength: byteLengthOf(matrices[0]!.layout) + 4 * tokenCount * (N + K),
    flops: 2 * tokenCount * N * K,
  };
}

async function experts(
  lab: Lab,
  { tokenCount = manyTokens(lab), layout = lab.expertLayout }: {
    tokenCount?: number;
    layout?: ExpertLayout;
  },
): Promise<BenchOps | null> {
  const { gpu, config, step, tokenLimit } = lab;
  const { hiddenSize, intermediateSize, numLocalExperts } = config;
  if (tokenCount > tokenLimit) return null;
  const rowCount = tokenCount * config.numExpertsPerTok;
  const op = await residentExperts(gpu, {
    layout,
    x: rows(lab, hiddenSize, tokenCount),
    scratch: expertScratch(lab, layout),
    buffer: expertBank(lab, layout),
    routing: evenRouting(lab),
    step: step.step,
  });
  return {
    ops: [op],
    tokenCount,
    byteLength: Math.min(rowCount, numLocalExperts) * layout.wordCount * 4,
    flops: 3 * 2 * rowCount * hiddenSize * intermediateSize,
  };
}

async function norm(lab: Lab): Promise<BenchOps> {
  const { gpu, step, config: { hiddenSize: width } } = lab;
  const tokenCount = manyTokens(lab);
  const x = rows(lab, width, tokenCount);
  const op = await rmsNorm(gpu, {
    x,
    weight: gpu.storageBuffer("norm", x.stride * 4),
    y: rows(lab, width, tokenCount),
    width,
    epsilon: 1e-5,
    step: step.step,
  });
  return { ops: [op], tokenCount, byteLength: 8 * tokenCount * width };
}

async function embedding(
  lab: Lab,
  type: "F32" | "F16" | "BF16",
): Promise<BenchOps> {
  const { gpu, step, config: { vocabSize, hiddenSize } } = lab;
  const tokenCount = manyTokens(lab);
  const [matrix] = coldMatrices(lab, [vocabSize, hiddenSize], { type });
  const x = rows(lab, hiddenSize, tokenCount);
  const op = await embed(gpu, { matrix: matrix!, tokens: step.tokens, x });
  return { ops: [op], tokenCount, byteLength: 4 * tokenCount * hiddenSize };
}
