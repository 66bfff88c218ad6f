/** `rmsNorm()` and `combine()`: rows in, rows out. */

import type { Gpu } from "../src/gpu/device.ts";
import { combine, makeRouting } from "../src/ops/moe.ts";
import { rmsNorm } from "../src/ops/norm.ts";
import { makeRows } from "../src/ops/op.ts";
import { makeStepBuffers } from "../src/ops/step.ts";
import { assertWithin, magnitudes, ROUNDING, sumShare } from "./_bounds.ts";
import {
  makeReader,
  padRows,
  runOps,
  SUMMING,
  upload,
  uploadRows,
} from "./_gpu.ts";
import { type KernelCase, TOKEN_COUNTS, TOKEN_LIMIT } from "./_kernel_case.ts";
import { type Random, withRandom } from "./_random.ts";
import {
  combine as combineReference,
  rmsNorm as rmsNormReference,
  type Vector,
} from "../src/model/plain_math.ts";

const EPSILON = 1e-5;

/** All cases of this file. */
export const NORM_CASES: readonly KernelCase[] = [
  ...[false, true].map((fromFirstRow) => ({
    name: `rmsNorm() is x / rms(x) ${
      fromFirstRow ? "from the first row that gets logits" : "of all rows"
    }`,
    kernels: ["rmsnorm.wgsl", "lib/step.wgsl"],
    summing: SUMMING,
    run: ({ gpu }: { gpu: Gpu }) =>
      withRandom(3, async (random) => {
        for (const width of [1, 2, 7, 64, 130, 1030]) {
          await checkRmsNorm(gpu, random, { width, fromFirstRow });
        }
      }),
  })),
  {
    name: "combine() adds the weighted rows of the experts",
    kernels: ["combine.wgsl"],
    summing: [],
    run: ({ gpu }) =>
      withRandom(4, async (random) => {
        for (
          const [width, topK, partCount] of [
            [1, 1, 1],
            [7, 2, 3],
            [64, 3, 1],
            [130, 8, 4],
          ] as const
        ) await checkCombine(gpu, random, { width, topK, partCount });
      }),
  },
];

async function checkRmsNorm(
  gpu: Gpu,
  random: Random,
  { width, fromFirstRow }: { width: number; fromFirstRow: boolean },
): Promise<void> {
  const rows = Array.from({ length: TOKEN_LIMIT }, (_, t) =>
    // Row 0 is all zero: epsilon alone keeps it from dividing by zero.
    random.normal(width, t === 0 ? 0 : 10 ** random.integer(4)));
  const weight = random.normal(width);
  const x = uploadRows(gpu, rows.flatMap((row) => [...row]), width);
  const y = makeRows(gpu, "y", [TOKEN_LIMIT, width]);
  const step = makeStepBuffers(gpu, TOKEN_LIMIT);
  const op = await rmsNorm(gpu, {
    x,
    y,
    width,
    weight: upload(gpu, padRows(weight, width)),
    epsilon: EPSILON,
    step: step.step,
    fromFirstRow,
  });
  using reader = await makeReader(gpu, TOKEN_LIMIT * y.stride * 4);
  const firstRow = 5;
  const first = fromFirstRow ? firstRow : 0;
  for (const rowCount of [1, 2, 33, TOKEN_LIMIT - first]) {
    gpu.device.queue.writeBuffer(y.buffer, 0, new Uint8Array(y.buffer.size));
    runOps(gpu, [op], { step, tokenCount: rowCount, firstRow });
    const expected = rows.slice(first, first + rowCount).flatMap(
      (row) => [...padRows64(rmsNormReference(row, weight, EPSILON), y.stride)],
    );
    expected.length = TOKEN_LIMIT * y.stride;
    // All terms of the sum are positive: its relative error is the result's.
    const bounds = expected.fill(0, rowCount * y.stride)
      .map((v) => Math.abs(v) * sumShare(width));
    assertWithin(await reader.floats(y.buffer), expected, {
      what: `${rowCount} rows of ${width}`,
      bounds,
    });
  }
}

async function checkCombine(
  gpu: Gpu,
  random: Random,
  { width, topK, partCount }: {
    width: number;
    topK: number;
    partCount: number;
  },
): Promise<void> {
  const rowsOf = (count: number) =>
    Array.from({ length: count }, () => random.normal(width));
  const before = rowsOf(TOKEN_LIMIT);
  const experts = rowsOf(TOKEN_LIMIT * topK);
  const weights = random.normal(TOKEN_LIMIT * topK);
  const routing = makeRouting(gpu, {
    tokenLimit: TOKEN_LIMIT,
    expertCount: 8,
    topK,
  });
  gpu.upload(routing.weights, new Uint8Array(weights.buffer));
  const initial = padRows(before.flatMap((row) => [...row]), width);
  const x = uploadRows(gpu, before.flatMap((row) => [...row]), width);
  const op = await combine(gpu, {
    y: uploadRows(gpu, experts.flatMap((row) => [...row]), width),
    partCount,
    routing,
    x,
    width,
  });
  const step = makeStepBuffers(gpu, TOKEN_LIMIT);
  using reader = await makeReader(gpu, initial.byteLength);
  for (const tokenCount of TOKEN_COUNTS) {
    gpu.upload(x.buffer, new Uint8Array(initial.buffer));
    runOps(gpu, [op], { step, tokenCount });
    const expected = new Float64Array(initial);
    const bounds = new Float64Array(initial.length);
    for (let t = 0; t < tokenCount; t++) {
      const ranks = [t * topK, (t + 1) * topK] as const;
      const shares = [...weights.slice(...ranks)];
      // The rows of a single token come in parts.
      const rows = tokenCount > 1
        ? experts.slice(...ranks)
        : shares.map((_, r) =>
          sumOf(experts.slice(r * partCount, (r + 1) * partCount))
        );
      const at = t * x.stride;
      expected.set(combineReference(before[t]!, rows, shares), at);
      const sizes = tokenCount > 1
        ? rows.map(magnitudes)
        : shares.map((_, r) =>
          sumOf(
            experts.slice(r * partCount, (r + 1) * partCount).map(magnitudes),
          )
        );
      const size = combineReference(
        magnitudes(before[t]!),
        sizes,
        shares.map(Math.abs),
      );
      bounds.set(size.map((v) => v * (topK + partCount + 1) * ROUNDING), at);
    }
    assertWithin(await reader.floats(x.buffer), expected, {
      what: `${tokenCount} rows of ${width}, ${topK} experts`,
      bounds,
    });
  }
}

function sumOf(rows: readonly Vector[]): Float64Array {
  return Float64Array.from(
    rows[0]!,
    (_, i) => rows.reduce((sum, row) => sum + row[i]!, 0),
  );
}

/** A row and the zeros after it. */
function padRows64(row: Float64Array, stride: number): Float64Array {
  const padded = new Float64Array(stride);
  padded.set(row);
  return padded;
}
