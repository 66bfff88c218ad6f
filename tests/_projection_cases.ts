/** `projections()`: q, k and v of one row in one dispatch. */

import { assertEquals } from "@std/assert";
import type { Activations } from "../src/gpu/activations.ts";
import type { Gpu } from "../src/gpu/device.ts";
import {
  type HqqScheme,
  type Matrix,
  placeMatrices,
} from "../src/ops/matrix.ts";
import { makeRows } from "../src/ops/op.ts";
import { type Heads, qkvStrip } from "../src/ops/projections.ts";
import { makeStepBuffers } from "../src/ops/step.ts";
import { assertWithin, magnitudes, sumShare } from "./_bounds.ts";
import {
  makeReader,
  padRows,
  runOps,
  STRIPS,
  upload,
  uploadRows,
} from "./_gpu.ts";
import { IS_LONG, type KernelCase, type KernelTest } from "./_kernel_case.ts";
import { shareFilesOf, STRIP_SCHEMES, stripFilesOf } from "./_kernel_files.ts";
import { padRows64 } from "./_linear_check.ts";
import {
  fixedBound,
  type MatrixShape,
  randomMatrix,
  schemeName,
  type TestMatrix,
  uploadMatrix,
} from "./_matrices.ts";
import { type Random, withRandom } from "./_random.ts";
import { add, matvec, rmsNorm } from "../src/model/plain_math.ts";

const NAMES = ["q", "k", "v"] as const;
const EPSILON = 1e-5;

/** Shapes of q, k and v: other groups, other meta scales. */
const SHAPES: readonly Heads<MatrixShape>[] = [
  {
    q: { N: 128, K: 96, groups: { groupSize: 64, scaleGroupSize: 4 } },
    k: { N: 64, K: 96, groups: { groupSize: 16, scaleGroupSize: 2 } },
    v: { N: 48, K: 96, groups: { groupSize: 16, scaleGroupSize: 6 } },
  },
  // k has one unit, and so all workgroups do
  {
    q: { N: 256, K: 2064, groups: { groupSize: 16, scaleGroupSize: 129 } },
    k: { N: 16, K: 2064, groups: { groupSize: 16, scaleGroupSize: 129 } },
    v: { N: 32, K: 2064, groups: { groupSize: 16, scaleGroupSize: 129 } },
  },
];

/** The same along axis 1, where all have groups of the same size. */
const AXIS1_SHAPES: readonly Heads<MatrixShape>[] = [
  { q: axis1Shape(128), k: axis1Shape(64), v: axis1Shape(48) },
  { q: axis1Shape(64, 64), k: axis1Shape(16, 64), v: axis1Shape(32, 64) },
];

function axis1Shape(N: number, groupSize = 16): MatrixShape {
  return { N, K: 320, groups: { groupSize, scaleGroupSize: 0 } };
}

/** All cases of this file. */
export const PROJECTION_CASES: readonly KernelCase[] = STRIP_SCHEMES.flatMap((
  scheme,
) =>
  activationsOf(scheme).map((activations) => ({
    name: `qkvStrip() is Wq norm(x), Wk norm(x) and Wv norm(x) with ${
      schemeName(scheme)
    } and ${activations} activations`,
    kernels: [
      ...stripFilesOf(scheme, activations)
        .filter((file) => file !== "lib/shape_one.wgsl"),
      ...shareFilesOf(scheme),
      "lib/shape_three.wgsl",
      "qkv_strip.wgsl",
      "lib/x_normed.wgsl",
    ],
    summing: [],
    options: { ...STRIPS, activations },
    run: ({ gpu }: KernelTest) =>
      withRandom(19, async (random) => {
        for (const shapes of shapesOf(scheme)) {
          await check(gpu, random, { shapes, scheme });
        }
        refuse(gpu, random, scheme);
      }),
  }))
);

/** How inputs are rounded does not depend on who reads them. */
function activationsOf({ bits }: HqqScheme): readonly Activations[] {
  return bits === 4 ? ["float32", "int8"] : ["float32"];
}

function shapesOf({ axis }: HqqScheme): readonly Heads<MatrixShape>[] {
  return axis === 1 ? AXIS1_SHAPES : SHAPES;
}

async function check(
  gpu: Gpu,
  random: Random,
  { shapes, scheme }: { shapes: Heads<MatrixShape>; scheme: HqqScheme },
): Promise<void> {
  const tests = each((name) => randomMatrix(random, shapes[name], scheme));
  const { K } = shapes.q;
  const row = random.normal(K, 30);
  const weight = random.normal(K);
  const normed = rmsNorm(row, weight, EPSILON);
  const step = makeStepBuffers(gpu, 1);
  const outputs = each((name) => makeRows(gpu, name, [1, shapes[name].N]));
  using reader = await makeReader(gpu, outputs.q.buffer.size);
  // How units share a workgroup depends on no bits.
  for (const qkvUnits of IS_LONG || scheme.bits === 4 ? [1, 2, 3, 8] : [1, 3]) {
    Object.assign(gpu, { tuning: { ...gpu.tuning, qkvUnits } });
    const op = await qkvStrip(gpu, {
      matrices: inOneBuffer(gpu, tests),
      beforeNorm: {
        x: uploadRows(gpu, row, K),
        norm: { weight: upload(gpu, padRows(weight, K)), epsilon: EPSILON },
      },
      oneY: outputs,
    })!;
    runOps(gpu, [op], { step, tokenCount: 1 });
    for (const name of NAMES) {
      const test = tests[name];
      const { stride, buffer } = outputs[name];
      // The norm adds a sum of squares, a root and two products.
      const bound = matvec(test.sizes, magnitudes(normed))
        .map((v) => v * 2 * sumShare(K));
      assertWithin(
        (await reader.floats(buffer)).subarray(0, stride),
        padRows64([matvec(test.weights, normed)], stride),
        {
          what: `${name} (${test.layout.N}, ${K}), ${qkvUnits} units`,
          bounds: padRows64(
            [add(bound, fixedBound(gpu, test, normed))],
            stride,
          ),
        },
      );
      gpu.upload(buffer, new Uint8Array(buffer.size));
    }
  }
}

/** Whatever it is not made for, others do. */
function refuse(gpu: Gpu, random: Random, scheme: HqqScheme): void {
  const shape = shapesOf(scheme)[0]!;
  const tests = each((name) => randomMatrix(random, shape[name], scheme));
  const matrices = inOneBuffer(gpu, tests);
  const rows = makeRows(gpu, "rows", [1, 128]);
  const options = {
    beforeNorm: { x: rows, norm: { weight: rows.buffer, epsilon: EPSILON } },
    oneY: each(() => rows),
  };
  const elsewhere = { ...matrices, v: uploadMatrix(gpu, tests.v) };
  assertEquals(qkvStrip(gpu, { ...options, matrices: elsewhere }), null);
  const floats = randomMatrix(random, shape.v, { type: "F32" });
  const other = inOneBuffer(gpu, { ...tests, v: floats });
  assertEquals(qkvStrip(gpu, { ...options, matrices: other }), null);
  const bits = scheme.bits === 4 ? 2 : 4;
  const fewer = inOneBuffer(gpu, {
    ...tests,
    k: randomMatrix(random, shape.k, { ...scheme, bits }),
  });
  assertEquals(qkvStrip(gpu, { ...options, matrices: fewer }), null);
  if (scheme.axis === 0) return;
  const longer = inOneBuffer(gpu, {
    ...tests,
    k: randomMatrix(random, axis1Shape(64, 32), scheme),
  });
  assertEquals(qkvStrip(gpu, { ...options, matrices: longer }), null);
}

function each<T>(make: (name: "q" | "k" | "v") => T): Heads<T> {
  return { q: make("q"), k: make("k"), v: make("v") };
}

/** As `Uploader.matrices()` lays them out. */
function inOneBuffer(gpu: Gpu, tests: Heads<TestMatrix>): Heads<Matrix> {
  const { offsets, byteLength } = placeMatrices(
    NAMES.map((name) => tests[name].layout),
  );
  const buffer = gpu.storageBuffer("q, k and v", byteLength);
  return each((name) => {
    const { layout, bytes } = tests[name];
    const offset = offsets[NAMES.indexOf(name)]!;
    gpu.upload(buffer, bytes, offset);
    const place = { buffer, offset, size: bytes.length };
    return { buffer: place, layout };
  });
}
