/** `route()` and `experts()`: for one token and for many. */

import { assertEquals } from "@std/assert";
import type { Gpu } from "../src/gpu/device.ts";
import { expertLayout, makeExpertScratch } from "../src/ops/expert_layout.ts";
import { residentExperts } from "../src/ops/experts.ts";
import { type Scheme, SCHEMES } from "../src/ops/matrix.ts";
import { makeRouting, route } from "../src/ops/moe.ts";
import { makeStepBuffers } from "../src/ops/step.ts";
import { assertWithin, expShare, magnitudes, sumShare } from "./_bounds.ts";
import { makeReader, padRows, runOps, upload, uploadRows } from "./_gpu.ts";
import { type KernelCase, TOKEN_COUNTS, TOKEN_LIMIT } from "./_kernel_case.ts";
import { filesOf } from "./_linear_cases.ts";
import {
  type MatrixShape,
  randomMatrix,
  schemeName,
  type TestMatrix,
} from "./_matrices.ts";
import { type Random, withRandom } from "./_random.ts";
import {
  matvec,
  route as routeReference,
  swiglu,
  type Vector,
} from "./reference.ts";

/** Experts, of which a token gets topK, and the sizes of their matrices. */
interface ExpertShape {
  readonly expertCount: number;
  readonly topK: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  /** Groups of W1 and W3, and of W2, if they are quantized. */
  readonly up?: MatrixShape["groups"];
  readonly down?: MatrixShape["groups"];
}

const FLOAT_SHAPES: readonly ExpertShape[] = [
  { expertCount: 1, topK: 1, hiddenSize: 5, intermediateSize: 3 },
  { expertCount: 3, topK: 3, hiddenSize: 30, intermediateSize: 67 },
  { expertCount: 11, topK: 2, hiddenSize: 66, intermediateSize: 40 },
];

const HQQ_SHAPES: readonly ExpertShape[] = [
  { expertCount: 3, topK: 1, hiddenSize: 256, intermediateSize: 64 },
  {
    expertCount: 9,
    topK: 3,
    hiddenSize: 36,
    intermediateSize: 60,
    up: { groupSize: 20, scaleGroupSize: 9 },
    down: { groupSize: 12, scaleGroupSize: 18 },
  },
];

/** All cases of this file. */
export const EXPERT_CASES: readonly KernelCase[] = [
  {
    name: "route() picks the best experts, of equal ones the lower ids",
    kernels: ["route.wgsl"],
    reduces: true,
    run: ({ gpu }) =>
      withRandom(9, async (random) => {
        for (
          const [expertCount, topK, width] of [
            [1, 1, 7],
            [2, 1, 64],
            [3, 3, 30],
            [8, 2, 130],
            [8, 8, 5],
            [60, 4, 33],
          ] as const
        ) await checkRoute(gpu, random, { expertCount, topK, width });
      }),
  },
  ...SCHEMES.map((scheme) => ({
    name: `experts() is W2 (silu(W1 x) W3 x) with ${schemeName(scheme)}`,
    kernels: [
      ...filesOf(scheme),
      "expert_up.wgsl",
      "matvec.wgsl",
      "lib/pick_expert.wgsl",
      "group_rows.wgsl",
      "matmul.wgsl",
      "lib/matmul_tiles.wgsl",
      "lib/rows_expert.wgsl",
      "lib/step.wgsl",
      "swiglu.wgsl",
    ],
    reduces: true,
    run: ({ gpu }: { gpu: Gpu }) =>
      withRandom(10, async (random) => {
        const shapes = scheme.type === "HQQ" ? HQQ_SHAPES : FLOAT_SHAPES;
        for (const shape of shapes) {
          await checkExperts(gpu, random, { shape, scheme });
        }
      }),
  })),
];

async function checkRoute(
  gpu: Gpu,
  random: Random,
  { expertCount, topK, width }: {
    expertCount: number;
    topK: number;
    width: number;
  },
): Promise<void> {
  const rows = Array.from({ length: TOKEN_LIMIT }, () => random.normal(width));
  rows[3]!.fill(0); // all logits are equal: experts 0, 1, …
  const gate = random.normal(expertCount * width, 0.5);
  const last = (expertCount - 1) * width;
  gate.copyWithin(last, 0, width); // the last expert ties with the first
  const routing = makeRouting(gpu, {
    tokenLimit: TOKEN_LIMIT,
    expertCount,
    topK,
  });
  const op = await route(gpu, {
    x: uploadRows(gpu, rows.flatMap((row) => [...row]), width),
    gate: upload(gpu, padRows(gate, width)),
    routing,
  });
  const step = makeStepBuffers(gpu, TOKEN_LIMIT);
  using reader = await makeReader(gpu, TOKEN_LIMIT * topK * 4);
  for (const tokenCount of TOKEN_COUNTS) {
    const zero = new Uint8Array(TOKEN_LIMIT * topK * 4);
    gpu.upload(routing.ids, zero);
    gpu.upload(routing.weights, zero);
    runOps(gpu, [op], { step, tokenCount });
    const what = `${topK} of ${expertCount} experts for ${tokenCount} tokens`;
    const wanted = rows.slice(0, tokenCount)
      .map((row) => routeReference(matvec(gate, row), topK));
    const count = tokenCount * topK;
    const ids = await reader.words(routing.ids);
    const weights = await reader.floats(routing.weights);
    assertEquals(
      [...ids.slice(0, count)],
      wanted.flatMap(({ ids }) => ids),
      what,
    );
    // An error of a logit is a relative error of each share, twice since shares
    // are divided by their sum.
    const bounds = wanted.flatMap(({ logits, weights }, t) => {
      const sizes = matvec(gate.map(Math.abs), magnitudes(rows[t]!));
      const range = 2 * Math.max(...magnitudes(logits));
      const share = 2 * (Math.max(...sizes) * sumShare(width) +
            expShare(range)) + sumShare(topK);
      return weights.map((weight) => weight * share);
    });
    assertWithin(
      weights.slice(0, count),
      wanted.flatMap(({ weights }) => weights),
      { what, bounds },
    );
    assertEquals([...ids.slice(count)].every((v) => v === 0), true, what);
  }
}

/** The three matrices of an expert. */
interface TestExpert {
  readonly w1: TestMatrix;
  readonly w2: TestMatrix;
  readonly w3: TestMatrix;
}

/**
 * Chosen experts for each token, without the router: in the third round all
 * tokens go to the same experts, so that the others get no rows.
 */
async function checkExperts(
  gpu: Gpu,
  random: Random,
  { shape, scheme }: { shape: ExpertShape; scheme: Scheme },
): Promise<void> {
  const { expertCount, topK, hiddenSize, intermediateSize } = shape;
  const up = { N: intermediateSize, K: hiddenSize, groups: shape.up! };
  const down = { N: hiddenSize, K: intermediateSize, groups: shape.down! };
  const all: TestExpert[] = Array.from({ length: expertCount }, () => ({
    w1: randomMatrix(random, up, scheme),
    w3: randomMatrix(random, up, scheme),
    w2: randomMatrix(random, down, scheme),
  }));
  const layout = expertLayout(all[0]!.w1.layout, all[0]!.w2.layout);
  const byteLength = layout.wordCount * 4;
  const buffer = gpu.storageBuffer("experts", expertCount * byteLength);
  for (const [id, expert] of all.entries()) {
    for (const name of ["w1", "w2", "w3"] as const) {
      const at = id * byteLength + layout.at[name] * 4;
      gpu.upload(buffer, expert[name].bytes, at);
    }
  }
  const rows = Array.from(
    { length: TOKEN_LIMIT },
    () => random.normal(hiddenSize),
  );
  const numbers = { tokenLimit: TOKEN_LIMIT, expertCount, topK };
  const routing = makeRouting(gpu, numbers);
  const scratch = makeExpertScratch(gpu, {
    ...numbers,
    hiddenSize,
    intermediateSize,
  });
  const step = makeStepBuffers(gpu, TOKEN_LIMIT);
  const op = await residentExperts(gpu, {
    buffer,
    layout,
    x: uploadRows(gpu, rows.flatMap((row) => [...row]), hiddenSize),
    routing,
    scratch,
    step: step.step,
  });
  const { stride } = scratch.y;
  using reader = await makeReader(gpu, TOKEN_LIMIT * topK * stride * 4);

  for (const [round, tokenCount] of TOKEN_COUNTS.entries()) {
    const same = shuffled(random, expertCount).slice(0, topK);
    const ids = rows.flatMap(() =>
      round === 2 ? same : shuffled(random, expertCount).slice(0, topK)
    );
    gpu.upload(routing.ids, new Uint8Array(Uint32Array.from(ids).buffer));
    gpu.upload(scratch.y.buffer, new Uint8Array(scratch.y.buffer.size));
    runOps(gpu, [op], { step, tokenCount });
    const expected = new Float64Array(TOKEN_LIMIT * topK * stride);
    const bounds = new Float64Array(expected.length);
    for (let row = 0; row < tokenCount * topK; row++) {
      const x = rows[Math.floor(row / topK)]!;
      const { y, bound } = expertWithBound(x, all[ids[row]!]!);
      expected.set(y, row * stride);
      bounds.set(bound, row * stride);
    }
    assertWithin(await reader.floats(scratch.y.buffer), expected, {
      what:
        `${topK} of ${expertCount} experts (${intermediateSize}, ${hiddenSize}) for ${tokenCount} tokens`,
      bounds,
    });
  }
}

/** W2 (silu(W1 x) * W3 x), and how far float32 may be from it. */
function expertWithBound(
  x: Vector,
  { w1, w2, w3 }: TestExpert,
): { y: Float64Array; bound: Float64Array } {
  const product = ({ weights, sizes }: TestMatrix) => ({
    exact: matvec(weights, x),
    bound: matvec(sizes, magnitudes(x)).map((v) => v * sumShare(x.length)),
  });
  const up = product(w1);
  const gate = product(w3);
  const h = swiglu(up.exact, gate.exact);
  const hBound = h.map((v, i) => {
    const silu = gate.exact[i] === 0 ? 0 : v / gate.exact[i]!;
    // The slope of silu is at most 1.1.
    return 1.1 * up.bound[i]! * (Math.abs(gate.exact[i]!) + gate.bound[i]!) +
      Math.abs(silu) * gate.bound[i]! +
      Math.abs(v) * (expShare(up.exact[i]!) + sumShare(0));
  });
  const y = matvec(w2.weights, h);
  const rounding = matvec(w2.sizes, magnitudes(h));
  const carried = matvec(w2.weights.map(Math.abs), hBound);
  return {
    y,
    bound: rounding.map((v, n) => v * sumShare(h.length) + carried[n]!),
  };
}

/** The numbers 0 … count - 1 in random order. */
function shuffled(random: Random, count: number): number[] {
  const numbers = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    [numbers[i], numbers[j]] = [numbers[j]!, numbers[i]!];
  }
  return numbers;
}
