/** `linear()` for one row of matrices that `lib/strip.wgsl` reads. */

import { assert } from "@std/assert";
import { ACTIVATIONS, type Activations } from "../src/gpu/activations.ts";
import type { Gpu } from "../src/gpu/device.ts";
import { linear } from "../src/ops/linear.ts";
import type { HqqScheme } from "../src/ops/matrix.ts";
import { makeRows } from "../src/ops/op.ts";
import { makeStepBuffers } from "../src/ops/step.ts";
import { makeReader, runOps, STRIPS, uploadRows, WIDE_MATMUL } from "./_gpu.ts";
import { IS_LONG, type KernelCase } from "./_kernel_case.ts";
import {
  filesOf,
  MATMUL_KERNELS,
  shareFilesOf,
  STRIP_SCHEMES,
  stripFilesOf,
} from "./_kernel_files.ts";
import { checkShapes } from "./_linear_check.ts";
import {
  FIXED_LARGEST,
  type MatrixShape,
  randomMatrix,
  schemeName,
  uploadMatrix,
} from "./_matrices.ts";
import { withRandom } from "./_random.ts";
import { matvec } from "../src/model/plain_math.ts";

/** Shapes that `lib/strip.wgsl` reads. */
const STRIP_SHAPES: readonly MatrixShape[] = [
  // inputs that leave lanes of the subgroup idle; three groups share their meta
  { N: 96, K: 48, groups: { groupSize: 16, scaleGroupSize: 2 } },
  // more inputs than 128 lanes take; one group
  { N: 16, K: 2064, groups: { groupSize: 16, scaleGroupSize: 129 } },
  // units that do not divide into workgroups
  { N: 96, K: 32, groups: { groupSize: 16, scaleGroupSize: 12 } },
  // groups seven apart share their meta scales, which begin anywhere in a row
  { N: 112, K: 64, groups: { groupSize: 16, scaleGroupSize: 4 } },
  // several units in a group
  { N: 128, K: 512, groups: { groupSize: 64, scaleGroupSize: 64 } },
  // groups of 64 inputs, and lanes without any
  { N: 64, K: 320, groups: { groupSize: 64, scaleGroupSize: 20 } },
  // groups that 64 does not divide, and longer ones that it does
  { N: 96, K: 96, groups: { groupSize: 48, scaleGroupSize: 12 } },
  { N: 128, K: 384, groups: { groupSize: 128, scaleGroupSize: 24 } },
];

/** Along axis 1, packed rows that lack some of their output rows. */
const PADDED_SHAPES: readonly MatrixShape[] = [
  { N: 95, K: 64, groups: { groupSize: 16, scaleGroupSize: 0 } },
  { N: 95, K: 256, groups: { groupSize: 64, scaleGroupSize: 0 } },
];

/** All cases of this file. */
export const STRIP_CASES: readonly KernelCase[] = ACTIVATIONS.flatMap(
  (activations) =>
    STRIP_SCHEMES
      // How inputs are rounded does not depend on all of what reads them.
      .filter(({ bits }) =>
        activations === "float32" || bits === 4 || bits === 8
      )
      .flatMap((scheme) => casesOf(scheme, activations)),
);

function casesOf(scheme: HqqScheme, activations: Activations): KernelCase[] {
  const shared = {
    summing: [],
    options: { ...STRIPS, activations },
  };
  const kernels = stripFilesOf(scheme, activations);
  const what = `${schemeName(scheme)} and ${activations} activations`;
  const cases: KernelCase[] = [
    {
      ...shared,
      name: `linear() is W x, for one row in strips and many, with ${what}`,
      kernels: [
        ...MATMUL_KERNELS,
        ...filesOf(scheme),
        ...kernels,
        ...shareFilesOf(scheme),
        "lib/walk_units.wgsl",
        ...WIDE_MATMUL,
        "matvec_strip.wgsl",
        "lib/x_plain.wgsl",
        "lib/x_normed.wgsl",
      ],
      run: (test) =>
        checkShapes(test, {
          scheme,
          shapes: shapesOf(scheme, activations),
        }),
    },
    {
      ...shared,
      name: `linear() hands on what is no number, in strips with ${what}`,
      kernels,
      run: ({ gpu }) => checkBroken(gpu, scheme),
    },
  ];
  if (activations === "float32") return cases;
  return [...cases, {
    ...shared,
    name: `linear() rounds inputs no more than it must, in strips with ${what}`,
    kernels,
    run: ({ gpu }) => checkRounding(gpu, scheme),
  }];
}

/**
 * With 4 bits all shapes; otherwise those that take other files, and some of the
 * others in turn. How inputs are rounded depends on no shape.
 */
function shapesOf(
  scheme: HqqScheme,
  activations: Activations,
): readonly MatrixShape[] {
  const { bits, axis } = scheme;
  const padded = axis === 1 && bits < 8 ? PADDED_SHAPES : [];
  if (IS_LONG || (bits === 4 && activations === "float32")) {
    return [...STRIP_SHAPES, ...padded];
  }
  const [lanes, long, units, metas, group, idle, ...rest] = STRIP_SHAPES;
  const files = [lanes!, long!, idle!];
  if (activations !== "float32") return files;
  const others = [units!, metas!, group!, ...rest];
  const turn = STRIP_SCHEMES.indexOf(scheme);
  return [
    ...files,
    ...[turn, turn + 2].map((i) => others[i % others.length]!),
    ...padded.slice(0, 1),
  ];
}

/**
 * The root of the mean square of what W x is off by is that of numbers that are
 * rounded to a unit, a twelfth of whose square it is: a unit that was twice as large, or
 * one for more inputs, would show.
 */
function checkRounding(gpu: Gpu, scheme: HqqScheme): Promise<void> {
  return withRandom(15, async (random) => {
    const shape = STRIP_SHAPES.at(-1)!;
    const { N, K } = shape;
    const test = randomMatrix(random, shape, scheme);
    const row = random.normal(K);
    const step = makeStepBuffers(gpu, 1);
    const y = makeRows(gpu, "y", [1, N]);
    const op = await linear(gpu, {
      matrix: uploadMatrix(gpu, test),
      x: uploadRows(gpu, row, K),
      y,
      step: step.step,
    });
    using reader = await makeReader(gpu, y.buffer.size);
    runOps(gpu, [op], { step, tokenCount: 1 });
    const actual = await reader.floats(y.buffer);
    const exact = matvec(test.weights, row);
    let measured = 0;
    let expected = 0;
    for (let n = 0; n < N; n++) {
      measured += (actual[n]! - exact[n]!) ** 2;
      for (let k = 0; k < K; k += 16) {
        const inputs = Array.from({ length: 16 }, (_, i) => k + i);
        const unit = Math.max(...inputs.map((i) =>
          test.scales[n * K + i]! * Math.abs(row[i]!)
        )) / FIXED_LARGEST[gpu.activations];
        for (const i of inputs) {
          // (code - zero), which the rounding is multiplied by
          const factor = test.weights[n * K + i]! / test.scales[n * K + i]!;
          expected += (unit * factor) ** 2 / 12;
        }
      }
    }
    const ratio = Math.sqrt(measured / expected);
    assert(ratio > 0.7 && ratio < 1.3, `${ratio} of what was expected`);
  });
}

/** A NaN or an infinity among the inputs is in every output. */
function checkBroken(gpu: Gpu, scheme: HqqScheme): Promise<void> {
  return withRandom(14, async (random) => {
    for (const shape of [STRIP_SHAPES[0]!, STRIP_SHAPES[5]!]) {
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
    }
  });
}
