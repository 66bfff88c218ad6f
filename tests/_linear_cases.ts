/** `linear()` and `embed()` in every scheme. */

import { assert } from "@std/assert";
import type { Gpu } from "../src/gpu/device.ts";
import { linear } from "../src/ops/linear.ts";
import { type HqqScheme, type Scheme, SCHEMES } from "../src/ops/matrix.ts";
import { embed } from "../src/ops/norm.ts";
import { makeRows } from "../src/ops/op.ts";
import { makeStepBuffers } from "../src/ops/step.ts";
import { assertWithin, magnitudes, ROUNDING, sumShare } from "./_bounds.ts";
import {
  makeReader,
  padRows,
  runOps,
  STRIPS,
  SUMMING,
  type Summing,
  upload,
  uploadRows,
  WIDE_MATMUL,
} from "./_gpu.ts";
import {
  type KernelCase,
  type KernelTest,
  TOKEN_COUNTS,
  TOKEN_LIMIT,
} from "./_kernel_case.ts";
import {
  fixedBound,
  type MatrixShape,
  randomMatrix,
  schemeName,
  uploadMatrix,
} from "./_matrices.ts";
import { type Random, withRandom } from "./_random.ts";
import { add, embed as embedReference, matvec, rmsNorm } from "./reference.ts";

/** The files that read a scheme. */
export function filesOf(scheme: Scheme): string[] {
  if (scheme.type !== "HQQ") {
    return [
      `lib/codes_${scheme.type.toLowerCase()}.wgsl`,
      "lib/group_none.wgsl",
    ];
  }
  const { bits, axis, scaleGroupSize } = scheme;
  const groups = axis === 1
    ? "axis1"
    : scaleGroupSize === null
    ? "f32"
    : "meta8";
  return [`lib/codes_u${bits}.wgsl`, `lib/group_${groups}.wgsl`];
}

/** The files that multiply a matrix by one row, 4 inputs at a time. */
export function matvecFilesOf(scheme: Scheme): string[] {
  return scheme.type === "HQQ" && scheme.axis === 1
    ? ["matvec_axis1.wgsl"]
    : ["matvec.wgsl", "lib/inputs_4.wgsl"];
}

/** The first two are for every way of summing. */
const FLOAT_SHAPES: readonly MatrixShape[] = [
  { N: 67, K: 130 },
  { N: 3, K: 1030 }, // more inputs than a workgroup takes at once
  { N: 1, K: 1 },
  { N: 130, K: 33 },
];

/** The first two are for every way of summing. */
const HQQ_SHAPES: readonly MatrixShape[] = [
  // words of 3 bits that are padded
  { N: 84, K: 13, groups: { groupSize: 12, scaleGroupSize: 7 } },
  // one group
  { N: 16, K: 1030, groups: { groupSize: 16, scaleGroupSize: 5 } },
  // the groups of the scheme
  { N: 128, K: 256 },
  // a packed row a group; every scale by itself
  { N: 12, K: 5, groups: { groupSize: 4, scaleGroupSize: 1 } },
  // more groups than rows of a tile; one meta scale
  { N: 280, K: 20, groups: { groupSize: 4, scaleGroupSize: 1400 } },
];

/** The first two are for every way of summing. */
const AXIS1_SHAPES: readonly MatrixShape[] = [
  // rows that do not fill words of any bits but 8
  { N: 67, K: 48, groups: { groupSize: 4, scaleGroupSize: 0 } },
  // more inputs than a workgroup takes at once
  { N: 3, K: 1040, groups: { groupSize: 20, scaleGroupSize: 0 } },
  // the groups of the scheme
  { N: 64, K: 256 },
  { N: 1, K: 16, groups: { groupSize: 4, scaleGroupSize: 0 } },
  // one group a row, and a whole number of words of any bits
  { N: 140, K: 36, groups: { groupSize: 36, scaleGroupSize: 0 } },
];

const MATMUL_KERNELS = [
  "lib/pick_one.wgsl",
  "lib/rows_all.wgsl",
  "lib/step.wgsl",
  "lib/reduce_none.wgsl",
];

/** Shapes that `lib/strip.wgsl` reads. */
const STRIP_SHAPES: readonly MatrixShape[] = [
  // inputs that leave lanes of the subgroup idle; three groups share their meta
  { N: 96, K: 48, groups: { groupSize: 16, scaleGroupSize: 2 } },
  // more inputs than 128 lanes take; one group
  { N: 16, K: 2064, groups: { groupSize: 16, scaleGroupSize: 129 } },
  // units that do not divide into workgroups
  { N: 96, K: 32, groups: { groupSize: 16, scaleGroupSize: 12 } },
  // several units in a group
  { N: 128, K: 512, groups: { groupSize: 64, scaleGroupSize: 64 } },
];

/** The schemes that `lib/strip.wgsl` reads. */
export const STRIP_SCHEMES: readonly Scheme[] = SCHEMES.filter((scheme) =>
  scheme.type === "HQQ" && scheme.bits !== 3 && scheme.scaleGroupSize !== null
);

const STRIP_FILES = [
  "lib/strip.wgsl",
  "lib/strip_inputs.wgsl",
  "lib/weights_read.wgsl",
  "lib/fixed.wgsl",
  "lib/fold.wgsl",
];

/** The files that read a scheme in strips. */
export function stripFilesOf(scheme: Scheme): string[] {
  const { bits } = scheme as HqqScheme;
  const rows = bits === 2 ? [] : ["lib/strip_rows_8.wgsl"];
  return [...rows, `lib/strip_u${bits}.wgsl`, ...STRIP_FILES];
}

/** How kernels sum does not depend on how they read scales. */
export function summingOf(scheme: Scheme): readonly Summing[] {
  const isPlain = scheme.type === "HQQ" && scheme.axis === 0 &&
    scheme.scaleGroupSize === null;
  return isPlain ? SUMMING.slice(0, 1) : SUMMING;
}

/** All cases of this file. */
export const LINEAR_CASES: readonly KernelCase[] = [
  ...SCHEMES.map((scheme) => ({
    name: `linear() is W x, for one row and many, with ${schemeName(scheme)}`,
    kernels: [
      ...MATMUL_KERNELS,
      ...filesOf(scheme),
      ...matvecFilesOf(scheme),
      "lib/x_plain.wgsl",
      "lib/x_normed.wgsl",
    ],
    summing: summingOf(scheme),
    hasMatmul: true,
    run: (test: KernelTest) =>
      checkShapes(test, { scheme, shapes: shapesOf(scheme) }),
  })),
  ...STRIP_SCHEMES.map((scheme) => ({
    name: `linear() is W x, for one row in strips and many, with ${
      schemeName(scheme)
    }`,
    kernels: [
      ...MATMUL_KERNELS,
      ...filesOf(scheme),
      ...stripFilesOf(scheme),
      ...WIDE_MATMUL,
      "matvec_strip.wgsl",
      "lib/x_plain.wgsl",
      "lib/x_normed.wgsl",
    ],
    summing: [],
    options: STRIPS,
    run: (test: KernelTest) =>
      checkShapes(test, { scheme, shapes: STRIP_SHAPES }),
  })),
  ...STRIP_SCHEMES.map((scheme) => ({
    name: `linear() hands on what is no number, in strips with ${
      schemeName(scheme)
    }`,
    kernels: stripFilesOf(scheme),
    summing: [],
    options: STRIPS,
    run: ({ gpu }: KernelTest) => checkBroken(gpu, scheme),
  })),
  ...SCHEMES.filter(({ type }) => type !== "HQQ").map((scheme) => ({
    name: `embed() takes rows with ${schemeName(scheme)}`,
    kernels: [
      filesOf(scheme)[0]!,
      "embed.wgsl",
      "lib/reduce_none.wgsl",
    ],
    summing: [],
    run: ({ gpu }: { gpu: Gpu }) =>
      withRandom(2, async (random) => {
        for (const width of [1, 6, 64, 259]) {
          await checkEmbed(gpu, random, { width, scheme });
        }
      }),
  })),
];

function shapesOf(scheme: Scheme): readonly MatrixShape[] {
  if (scheme.type !== "HQQ") return FLOAT_SHAPES;
  return scheme.axis === 1 ? AXIS1_SHAPES : HQQ_SHAPES;
}

function checkShapes(
  { gpu, hasFewShapes }: KernelTest,
  { shapes, scheme }: { shapes: readonly MatrixShape[]; scheme: Scheme },
): Promise<void> {
  return withRandom(1, async (random) => {
    for (const [i, shape] of shapes.entries()) {
      if (hasFewShapes && i >= 2) break;
      // Written and added: both for the first shape, then in turn.
      const ways = i === 0 ? [false, true] : [i % 2 === 1];
      await checkLinear(gpu, random, { shape, scheme, ways });
      if (i < 2) await checkNormed(gpu, random, { shape, scheme });
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

/** A NaN or an infinity among the inputs is in every output. */
function checkBroken(gpu: Gpu, scheme: Scheme): Promise<void> {
  return withRandom(14, async (random) => {
    const shape = STRIP_SHAPES[0]!;
    const { N, K } = shape;
    const matrix = uploadMatrix(gpu, randomMatrix(random, shape, scheme));
    for (const broken of [NaN, Infinity, -Infinity]) {
      const row = random.normal(K);
      row[random.integer(K)] = broken;
      const x = uploadRows(gpu, row, K);
      const y = makeRows(gpu, "y", [1, N]);
      const step = makeStepBuffers(gpu, 1);
      const op = await linear(gpu, { matrix, x, y, step: step.step });
      using reader = await makeReader(gpu, y.buffer.size);
      runOps(gpu, [op], { step, tokenCount: 1 });
      const actual = (await reader.floats(y.buffer)).subarray(0, N);
      assert(
        actual.every((v) => !Number.isFinite(v)),
        `${broken} among the inputs gives ${actual}`,
      );
    }
  });
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

/** Rows with zeros between them, in float64. */
function padRows64(
  rows: readonly ArrayLike<number>[],
  stride: number,
): Float64Array {
  const padded = new Float64Array(rows.length * stride);
  for (const [t, row] of rows.entries()) padded.set(row, t * stride);
  return padded;
}

async function checkEmbed(
  gpu: Gpu,
  random: Random,
  { width, scheme }: { width: number; scheme: Scheme },
): Promise<void> {
  const vocabSize = 11;
  const test = randomMatrix(random, { N: vocabSize, K: width }, scheme);
  const tokens = [10, 0, ...random.integers(TOKEN_LIMIT - 2, vocabSize)];
  const x = makeRows(gpu, "x", [TOKEN_LIMIT, width]);
  const step = makeStepBuffers(gpu, TOKEN_LIMIT);
  const op = await embed(gpu, {
    matrix: uploadMatrix(gpu, test),
    tokens: upload(gpu, Uint32Array.from(tokens)),
    x,
  });
  using reader = await makeReader(gpu, TOKEN_LIMIT * x.stride * 4);
  runOps(gpu, [op], { step, tokenCount: TOKEN_LIMIT });
  const rows = tokens.map((id) => embedReference(test.weights, id, width));
  assertWithin(
    await reader.floats(x.buffer),
    padRows64(rows, x.stride),
    { what: `rows of ${width}`, bounds: 0 }, // a copy: exact
  );
}
