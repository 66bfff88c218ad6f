/** `linear()` and `embed()` in every scheme. */

import type { Gpu } from "../src/gpu/device.ts";
import { type Scheme, SCHEMES } from "../src/ops/matrix.ts";
import { embed } from "../src/ops/embed.ts";
import { makeRows } from "../src/ops/op.ts";
import { makeStepBuffers } from "../src/ops/step.ts";
import { assertWithin } from "./_bounds.ts";
import { makeReader, runOps, upload } from "./_gpu.ts";
import {
  type KernelCase,
  type KernelTest,
  TOKEN_LIMIT,
} from "./_kernel_case.ts";
import {
  filesOf,
  MATMUL_KERNELS,
  matvecFilesOf,
  summingOf,
} from "./_kernel_files.ts";
import { checkShapes, padRows64 } from "./_linear_check.ts";
import {
  type MatrixShape,
  randomMatrix,
  schemeName,
  uploadMatrix,
} from "./_matrices.ts";
import { type Random, withRandom } from "./_random.ts";
import { embed as embedReference } from "../src/model/plain_math.ts";

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
