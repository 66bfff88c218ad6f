/** The kernels for many rows, whichever `matmul()` would take. */

import type { Gpu } from "../src/gpu/device.ts";
import rowsAll from "../kernels/lib/rows_all.wgsl" with { type: "text" };
import { type MatrixLayout, type Scheme, SCHEMES } from "../src/ops/matrix.ts";
import { matmulBy } from "../src/ops/matmul.ts";
import { fewWay, type MatmulWay, wideWay } from "../src/ops/matmul_ways.ts";
import { makeRows } from "../src/ops/op.ts";
import { makeStepBuffers, STEP_BINDING } from "../src/ops/step.ts";
import { assertWithin, expShare, magnitudes, sumShare } from "./_bounds.ts";
import { makeReader, runOps, STRIPS, uploadRows, WIDE_MATMUL } from "./_gpu.ts";
import type { KernelCase, KernelTest } from "./_kernel_case.ts";
import { fewFilesOf, filesOf, STRIP_SCHEMES } from "./_kernel_files.ts";
import { padRows64 } from "./_linear_check.ts";
import { type MatrixShape, randomMatrix, schemeName } from "./_matrices.ts";
import { type Random, withRandom } from "./_random.ts";
import { matvec, swiglu } from "../src/model/plain_math.ts";

/** Around the tiles of 8 and 64 rows, and halves of them. */
const ROW_COUNTS = [1, 4, 9, 33, 64, 97];
const ROW_LIMIT = Math.max(...ROW_COUNTS);

/** For groups along axis 0: more outputs than a tile, inputs that end in a step. */
const SHAPES: readonly MatrixShape[] = [
  { N: 288, K: 80, groups: { groupSize: 16, scaleGroupSize: 10 } },
  // with 8 bits, more than a block in a group
  { N: 128, K: 64, groups: { groupSize: 64, scaleGroupSize: 8 } },
];
const FLOAT_SHAPES: readonly MatrixShape[] = [{ N: 131, K: 78 }];
const AXIS1_SHAPES: readonly MatrixShape[] = [
  { N: 131, K: 80, groups: { groupSize: 20, scaleGroupSize: 0 } },
];

/** The schemes that `matmul_few.wgsl` reads. */
const FEW_SCHEMES = STRIP_SCHEMES.filter((scheme) =>
  fewFilesOf(scheme).length > 0
);

/** All cases of this file. */
export const MATMUL_CASES: readonly KernelCase[] = [
  ...SCHEMES.map((scheme) => ({
    name: `wideWay() is W x for many rows with ${schemeName(scheme)}`,
    kernels: [
      ...filesOf(scheme),
      ...WIDE_MATMUL,
      "lib/rows_all.wgsl",
      "lib/reduce_none.wgsl",
    ],
    summing: [],
    options: STRIPS,
    run: ({ gpu }: KernelTest) =>
      checkWay(gpu, scheme, (layout) => wideWay(layout)),
  })),
  ...SCHEMES.map((scheme) => ({
    name: `wideWay() is silu(W1 x) * W3 x for many rows with ${
      schemeName(scheme)
    }`,
    kernels: [...filesOf(scheme), "lib/halves_gated.wgsl"],
    summing: [],
    options: STRIPS,
    run: ({ gpu }: KernelTest) => checkGated(gpu, scheme),
  })),
  ...FEW_SCHEMES.map((scheme) => ({
    name: `fewWay() is W x for few rows with ${schemeName(scheme)}`,
    kernels: [...fewFilesOf(scheme), "lib/rows_all.wgsl"],
    summing: [],
    options: STRIPS,
    run: ({ gpu }: KernelTest) =>
      checkWay(gpu, scheme, (layout) => fewWay(layout)!),
  })),
];

function shapesOf(scheme: Scheme): readonly MatrixShape[] {
  if (scheme.type !== "HQQ") return FLOAT_SHAPES;
  return scheme.axis === 1 ? AXIS1_SHAPES : SHAPES;
}

function checkWay(
  gpu: Gpu,
  scheme: Scheme,
  wayOf: (layout: MatrixLayout) => MatmulWay,
): Promise<void> {
  return withRandom(15, async (random) => {
    for (const shape of shapesOf(scheme)) {
      const matrix = randomMatrix(random, shape, scheme);
      const rows = rowsOf(random, shape.K);
      await check(gpu, {
        way: wayOf(matrix.layout),
        layout: matrix.layout,
        bytes: matrix.bytes,
        rows,
        what: `W (${shape.N}, ${shape.K}) x`,
        expected: rows.map((row) => ({
          y: matvec(matrix.weights, row),
          bound: matvec(matrix.sizes, magnitudes(row))
            .map((v) => v * sumShare(shape.K)),
        })),
      });
    }
  });
}

function checkGated(gpu: Gpu, scheme: Scheme): Promise<void> {
  return withRandom(16, async (random) => {
    const shape = shapesOf(scheme)[0]!;
    const w1 = randomMatrix(random, shape, scheme);
    const w3 = randomMatrix(random, shape, scheme);
    const { layout } = w1;
    const bytes = new Uint8Array(2 * layout.wordCount * 4);
    bytes.set(w1.bytes);
    bytes.set(w3.bytes, layout.wordCount * 4);
    const rows = rowsOf(random, shape.K);
    const share = sumShare(shape.K);
    await check(gpu, {
      way: wideWay(layout, layout.wordCount),
      layout,
      bytes,
      rows,
      what: `silu(W1 x) * W3 x with W (${shape.N}, ${shape.K})`,
      expected: rows.map((row) => {
        const h1 = matvec(w1.weights, row);
        const h3 = matvec(w3.weights, row);
        const bound1 = matvec(w1.sizes, magnitudes(row));
        const bound3 = matvec(w3.sizes, magnitudes(row));
        const y = swiglu(h1, h3);
        return {
          y,
          // The slope of silu is at most 1.1, and |silu(v)| at most |v|.
          bound: y.map((v, n) =>
            1.1 * bound1[n]! * share *
              (Math.abs(h3[n]!) + bound3[n]! * share) +
            Math.abs(h1[n]!) * bound3[n]! * share +
            Math.abs(v) * (expShare(h1[n]!) + sumShare(0))
          ),
        };
      }),
    });
  });
}

function rowsOf(random: Random, width: number) {
  return Array.from({ length: ROW_LIMIT }, () => random.normal(width));
}

/** Rows beyond the step and what lies between rows must stay zero. */
async function check(
  gpu: Gpu,
  { way, layout, bytes, rows, expected, what }: {
    way: MatmulWay;
    layout: MatrixLayout;
    bytes: Uint8Array<ArrayBuffer>;
    rows: readonly ArrayLike<number>[];
    expected: readonly { y: Float64Array; bound: Float64Array }[];
    what: string;
  },
): Promise<void> {
  const { N, K } = layout;
  const buffer = gpu.storageBuffer("matrices", bytes.length);
  gpu.upload(buffer, bytes);
  const x = uploadRows(gpu, rows.flatMap((row) => Array.from(row)), K);
  const y = makeRows(gpu, "y", [ROW_LIMIT, N]);
  const step = makeStepBuffers(gpu, ROW_LIMIT);
  const op = await matmulBy(gpu, {
    matrix: { buffer, layout },
    x,
    y,
    add: false,
    pick: {
      sources: [{ name: "lib/rows_all.wgsl", code: rowsAll }],
      constants: {},
      bindings: { [STEP_BINDING]: step.step },
      count: 1,
    },
  }, way);
  using reader = await makeReader(gpu, y.buffer.size);
  const zeros = new Float64Array(N);
  for (const tokenCount of ROW_COUNTS) {
    gpu.upload(y.buffer, new Uint8Array(y.buffer.size));
    runOps(gpu, [op], { step, tokenCount });
    const upTo = (rows: readonly Float64Array[]) =>
      padRows64(rows.map((row, t) => t < tokenCount ? row : zeros), y.stride);
    assertWithin(
      await reader.floats(y.buffer),
      upTo(expected.map(({ y }) => y)),
      {
        what: `${what} of ${tokenCount} rows`,
        bounds: upTo(expected.map(({ bound }) => bound)),
      },
    );
  }
}
