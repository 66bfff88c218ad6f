/** Experts against the reference, wherever their weights lie. */

import { assert } from "@std/assert";
import type { Gpu } from "../src/gpu/device.ts";
import { expertLayout, makeExpertScratch } from "../src/ops/expert_layout.ts";
import type { ExpertsOptions } from "../src/ops/experts.ts";
import type { Scheme } from "../src/ops/matrix.ts";
import { makeRouting } from "../src/ops/moe.ts";
import { makeStepBuffers } from "../src/ops/step.ts";
import { assertWithin, expShare, magnitudes, sumShare } from "./_bounds.ts";
import { makeReader, type TestStep, uploadRows } from "./_gpu.ts";
import { TOKEN_COUNTS, TOKEN_LIMIT } from "./_kernel_case.ts";
import {
  fixedBound,
  type MatrixShape,
  randomMatrix,
  type TestMatrix,
} from "./_matrices.ts";
import type { Random } from "./_random.ts";
import { matvec, swiglu, type Vector } from "../src/model/plain_math.ts";

/** Experts, of which a token gets topK, and the sizes of their matrices. */
export interface ExpertShape {
  readonly expertCount: number;
  readonly topK: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  /** Groups of W1 and W3, and of W2, if they are quantized. */
  readonly up?: MatrixShape["groups"];
  readonly down?: MatrixShape["groups"];
  /** How many tokens to run, where the reference takes its time. */
  readonly tokenCounts?: readonly number[];
}

/** The experts of a layer on the GPU, one after the other, and the room. */
export interface PlacedExperts extends ExpertsOptions {
  readonly buffer: GPUBuffer;
  readonly step: TestStep;
}

/**
 * Makes what is under test: runs the experts of some tokens, whose ids it gets
 * (tokenCount * topK) and finds in `routing.ids`.
 */
export type MakeRunner = (
  gpu: Gpu,
  placed: PlacedExperts,
) => Promise<
  (tokenCount: number, ids: readonly number[]) => Promise<void> | void
>;

/** The three matrices of an expert. */
interface TestExpert {
  readonly w1: TestMatrix;
  readonly w2: TestMatrix;
  readonly w3: TestMatrix;
}

/**
 * Runs chosen experts for each token, without the router: in the third round all
 * tokens go to the same experts, so that the others get no rows.
 *
 * @param gpu The GPU.
 * @param random The numbers.
 * @param options Shapes and scheme, and what is under test.
 */
export async function checkExperts(
  gpu: Gpu,
  random: Random,
  {
    shape,
    scheme,
    makeRunner,
    tokenCounts = shape.tokenCounts ?? TOKEN_COUNTS,
  }: {
    shape: ExpertShape;
    scheme: Scheme;
    makeRunner: MakeRunner;
    tokenCounts?: readonly number[];
  },
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
    layout,
    hiddenSize,
    intermediateSize,
  });
  const step = makeStepBuffers(gpu, TOKEN_LIMIT);
  const run = await makeRunner(gpu, {
    buffer,
    layout,
    x: uploadRows(gpu, rows.flatMap((row) => [...row]), hiddenSize),
    routing,
    scratch,
    step,
  });
  const { stride } = scratch.y;
  using reader = await makeReader(
    gpu,
    Math.max(scratch.y.buffer.size, scratch.h.buffer.size),
  );

  for (const [round, tokenCount] of tokenCounts.entries()) {
    const same = shuffled(random, expertCount).slice(0, topK);
    const ids = rows.flatMap(() =>
      round === 2 ? same : shuffled(random, expertCount).slice(0, topK)
    );
    gpu.upload(routing.ids, new Uint8Array(Uint32Array.from(ids).buffer));
    for (const { buffer } of [scratch.y, scratch.h]) {
      gpu.upload(buffer, new Uint8Array(buffer.size));
    }
    await run(tokenCount, ids.slice(0, tokenCount * topK));
    const expected = new Float64Array(TOKEN_LIMIT * topK * stride);
    const bounds = new Float64Array(expected.length);
    for (let row = 0; row < tokenCount * topK; row++) {
      const x = rows[Math.floor(row / topK)]!;
      const { y, bound } = expertWithBound(
        x,
        all[ids[row]!]!,
        (matrix, input) =>
          tokenCount === 1
            ? fixedBound(gpu, matrix, input)
            : new Float64Array(matrix.layout.N),
      );
      expected.set(y, row * stride);
      bounds.set(bound, row * stride);
    }
    const what =
      `${topK} of ${expertCount} experts (${intermediateSize}, ${hiddenSize}) for ${tokenCount} tokens`;
    const y = await reader.floats(scratch.y.buffer);
    const rows64 = tokenCount === 1 && scratch.partCount > 1
      ? sumParts(y, { stride, rowCount: topK, partCount: scratch.partCount })
      : Float64Array.from(y);
    const length = tokenCount === 1 ? topK * stride : expected.length;
    assertWithin(rows64.subarray(0, length), expected.subarray(0, length), {
      what,
      bounds: bounds.subarray(0, length),
    });
    const h = await reader.floats(scratch.h.buffer);
    const beyond = h.subarray(tokenCount * topK * scratch.h.stride);
    assert(beyond.every((v) => v === 0), `${what}: h is written beyond`);
  }
}

/** Rows that come in parts, summed. */
function sumParts(
  y: Float32Array,
  { stride, rowCount, partCount }: {
    stride: number;
    rowCount: number;
    partCount: number;
  },
): Float64Array {
  const rows = new Float64Array(rowCount * stride);
  for (let i = 0; i < rowCount * partCount * stride; i++) {
    const row = Math.floor(i / stride / partCount);
    rows[row * stride + i % stride]! += y[i]!;
  }
  return rows;
}

/** W2 (silu(W1 x) * W3 x), and how far float32 may be from it. */
function expertWithBound(
  x: Vector,
  { w1, w2, w3 }: TestExpert,
  fixed: (matrix: TestMatrix, x: Vector) => Float64Array,
): { y: Float64Array; bound: Float64Array } {
  const product = (matrix: TestMatrix) => {
    const rounded = fixed(matrix, x);
    return {
      exact: matvec(matrix.weights, x),
      bound: matvec(matrix.sizes, magnitudes(x))
        .map((v, n) => v * sumShare(x.length) + rounded[n]!),
    };
  };
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
  // What is rounded there is off already.
  const rounded = fixed(w2, magnitudes(h).map((v, i) => v + hBound[i]!));
  return {
    y,
    bound: rounding.map((v, n) =>
      v * sumShare(h.length) + carried[n]! + rounded[n]!
    ),
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
