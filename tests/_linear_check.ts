/** `linear()` against the reference. */

import type { Gpu } from "../src/gpu/device.ts";
import { linear } from "../src/ops/linear.ts";
import type { Scheme } from "../src/ops/matrix.ts";
import { makeRows } from "../src/ops/op.ts";
import { makeStepBuffers } from "../src/ops/step.ts";
import { assertWithin, magnitudes, ROUNDING, sumShare } from "./_bounds.ts";
import { makeReader, padRows, runOps, upload, uploadRows } from "./_gpu.ts";
import { type KernelTest, TOKEN_COUNTS, TOKEN_LIMIT } from "./_kernel_case.ts";
import {
  fixedBound,
  type MatrixShape,
  randomMatrix,
  uploadMatrix,
} from "./_matrices.ts";
import { type Random, withRandom } from "./_random.ts";
import { add, matvec, rmsNorm } from "../src/model/plain_math.ts";

/**
 * Multiplies random matrices of some shapes.
 *
 * @param test The GPU; few shapes do where another way of summing has had all.
 * @param options The shapes and their scheme.
 */
export function checkShapes(
  { gpu, hasFewShapes }: KernelTest,
  { shapes, scheme }: { shapes: readonly MatrixShape[]; scheme: Scheme },
): Promise<void> {
  return withRandom(1, async (random) => {
    for (const [i, shape] of shapes.entries()) {
      if (hasFewShapes && i >= 2) break;
      // Written and added: both for the first shape, then in turn.
      const ways = i === 0 && !hasFewShapes ? [false, true] : [i % 2 === 1];
      await checkLinear(gpu, random, { shape, scheme, ways });
      // The second goes through the loop of a workgroup, whichever way it sums.
      const isNormed = hasFewShapes ? i === 1 : i < 2;
      if (isNormed) await checkNormed(gpu, random, { shape, scheme });
    }
  });
}

/**
 * One row and many, written and added; rows beyond the step and the padding
 * between rows must stay as they are.
 */
async function checkLinear(
  gpu: Gpu,
  random: Random,
  { shape, scheme, ways }: {
    shape: MatrixShape;
    scheme: Scheme;
    ways: readonly boolean[];
  },
): Promise<void> {
  const { N, K } = shape;
  const test = randomMatrix(random, shape, scheme);
  const matrix = uploadMatrix(gpu, test);
  const inputs = Array.from({ length: TOKEN_LIMIT }, () => random.normal(K));
  const x = uploadRows(gpu, inputs.flatMap((row) => [...row]), K);
  const before = inputs.map(() => random.normal(N));
  const y = uploadRows(gpu, before.flatMap((row) => [...row]), N);
  const initial = padRows(before.flatMap((row) => [...row]), N);
  const step = makeStepBuffers(gpu, TOKEN_LIMIT);
  using reader = await makeReader(gpu, initial.byteLength);

  const products = inputs.map((row) => matvec(test.weights, row));
  const bounds = inputs.map((row) => {
    const size = matvec(test.sizes, magnitudes(row));
    return size.map((v) => v * sumShare(K));
  });
  const fixed = fixedBound(gpu, test, inputs[0]!);
  for (const adds of ways) {
    const op = await linear(gpu, {
      matrix,
      x,
      y,
      add: adds,
      step: step.step,
    });
    for (const tokenCount of TOKEN_COUNTS) {
      gpu.upload(y.buffer, new Uint8Array(initial.buffer));
      runOps(gpu, [op], { step, tokenCount });
      const expected = before.map((row, t) => {
        if (t >= tokenCount) return row;
        return adds ? add(row, products[t]!) : products[t]!;
      });
      const bound = before.map((row, t) => {
        if (t >= tokenCount) return new Float64Array(N);
        const bound = tokenCount === 1 ? add(bounds[t]!, fixed) : bounds[t]!;
        return adds
          ? add(bound, magnitudes(row).map((v) => v * ROUNDING * 2))
          : bound;
      });
      assertWithin(
        await reader.floats(y.buffer),
        padRows64(expected, y.stride),
        {
          what: `W (${N}, ${K}) x of ${tokenCount} rows${
            adds ? ", added" : ""
          }`,
          bounds: padRows64(bound, y.stride),
        },
      );
    }
  }
}

/** One row under a norm that is computed on the way; many take x as it is. */
async function checkNormed(
  gpu: Gpu,
  random: Random,
  { shape, scheme }: { shape: MatrixShape; scheme: Scheme },
): Promise<void> {
  const { N, K } = shape;
  const test = randomMatrix(random, shape, scheme);
  const inputs = [random.normal(K, 30), random.normal(K)];
  const weight = random.normal(K);
  const epsilon = 1e-5;
  const x = uploadRows(gpu, inputs.flatMap((row) => [...row]), K);
  const y = makeRows(gpu, "y", [2, N]);
  const step = makeStepBuffers(gpu, 2);
  const op = await linear(gpu, {
    matrix: uploadMatrix(gpu, test),
    x,
    y,
    step: step.step,
    beforeNorm: {
      x,
      norm: { weight: upload(gpu, padRows(weight, K)), epsilon },
    },
  });
  using reader = await makeReader(gpu, y.buffer.size);
  for (const tokenCount of [1, 2]) {
    runOps(gpu, [op], { step, tokenCount });
    const rows = tokenCount === 1
      ? [rmsNorm(inputs[0]!, weight, epsilon)]
      : inputs;
    // The norm adds a sum of squares, a root and two products.
    const share = sumShare(K) * (tokenCount === 1 ? 2 : 1);
    const actual = await reader.floats(y.buffer);
    assertWithin(
      actual.subarray(0, tokenCount * y.stride),
      padRows64(rows.map((row) => matvec(test.weights, row)), y.stride),
      {
        what: `W (${N}, ${K}) norm(x) of ${tokenCount} rows`,
        bounds: padRows64(
          rows.map((row) => {
            const bound = matvec(test.sizes, magnitudes(row))
              .map((v) => v * share);
            return tokenCount === 1
              ? add(bound, fixedBound(gpu, test, row))
              : bound;
          }),
          y.stride,
        ),
      },
    );
  }
}

/**
 * Puts rows one after the other, with zeros between them, in float64.
 *
 * @param rows The rows.
 * @param stride Numbers from one row to the next.
 * @returns The numbers.
 */
export function padRows64(
  rows: readonly ArrayLike<number>[],
  stride: number,
): Float64Array {
  const padded = new Float64Array(rows.length * stride);
  for (const [t, row] of rows.entries()) padded.set(row, t * stride);
  return padded;
}
