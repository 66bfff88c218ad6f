/** Products of one row: decode. */

import { randomGroups } from "../src/engine/random_weights.ts";
import { PICK_ONE } from "../src/ops/linear.ts";
import {
  type Matrix,
  matrixLayout,
  type Scheme,
  SCHEMES,
} from "../src/ops/matrix.ts";
import { matvec, partCount } from "../src/ops/matvec.ts";
import { projections } from "../src/ops/projections.ts";
import { EXPERT_CASES } from "./_expert_cases.ts";
import {
  type BenchCase,
  type BenchOps,
  byteLengthOf,
  coldCopies,
  coldMatrices,
  type Lab,
  rows,
} from "./_lab.ts";

/** All cases of the suite. */
export const DECODE_CASES: readonly BenchCase[] = [
  {
    name: "q, k and v under a norm, in one dispatch if that can be",
    make: (lab) => heads(lab, true),
  },
  {
    name: "q, k and v under a norm, in three",
    make: (lab) => heads(lab, false),
  },
  {
    name: "q under a norm",
    make: (lab) => product(lab, [qWidth(lab), lab.config.hiddenSize], {}),
  },
  {
    name: "k under a norm",
    make: (lab) => product(lab, [kvWidth(lab), lab.config.hiddenSize], {}),
  },
  {
    name: "o, added",
    make: (lab) =>
      product(lab, [lab.config.hiddenSize, qWidth(lab)], { adds: true }),
  },
  {
    name: "lm_head F16, under a norm",
    make: (lab) =>
      product(lab, [lab.config.vocabSize, lab.config.hiddenSize], {
        scheme: { type: "F16" },
      }),
  },
  ...EXPERT_CASES,
  ...SCHEMES.flatMap((scheme): BenchCase[] => [
    {
      name: `W1 alone, ${schemeName(scheme)}`,
      make: (lab) => {
        const { intermediateSize, hiddenSize } = lab.config;
        return product(lab, [intermediateSize, hiddenSize], {
          scheme,
          isPlain: true,
        });
      },
    },
    {
      name: `W2 alone, ${schemeName(scheme)}`,
      make: (lab) => {
        const { intermediateSize, hiddenSize } = lab.config;
        return product(lab, [hiddenSize, intermediateSize], {
          scheme,
          isPlain: true,
          hasParts: true,
        });
      },
    },
  ]),
];

/** q, k and v of a token, in as many buffers as no cache holds. */
async function heads(lab: Lab, isOneBuffer: boolean): Promise<BenchOps> {
  const { gpu, config: { hiddenSize }, attention, step } = lab;
  const widths = [qWidth(lab), kvWidth(lab), kvWidth(lab)];
  const layouts = widths.map((width) =>
    matrixLayout("bench", [width, hiddenSize], attention)
  );
  const byteLength = layouts.map(byteLengthOf).reduce((a, b) => a + b);
  const count = coldCopies(lab, byteLength);
  const groups = isOneBuffer ? randomGroups(gpu, layouts, count) : Array.from(
    { length: count },
    () => layouts.flatMap((layout) => randomGroups(gpu, [layout], 1)[0]!),
  );
  const x = rows(lab, hiddenSize);
  const weight = gpu.storageBuffer("norm", x.stride * 4);
  const [q, k, v] = widths.map((width) => rows(lab, width));
  const y = { q: q!, k: k!, v: v! };
  const ops = groups.map(([q, k, v]) =>
    projections(gpu, {
      matrices: { q: q!, k: k!, v: v! },
      x,
      beforeNorm: { x, norm: { weight, epsilon: 1e-5 } },
      y,
      oneY: y,
      step: step.step,
    })
  );
  return { ops: await Promise.all(ops), byteLength };
}

/** A matrix with a row of x, in as many buffers as no cache holds. */
async function product(
  lab: Lab,
  shape: readonly [number, number],
  { scheme = lab.attention, adds = false, isPlain = false, hasParts = false }: {
    scheme?: Scheme;
    adds?: boolean;
    isPlain?: boolean;
    hasParts?: boolean;
  },
): Promise<BenchOps> {
  const { gpu } = lab;
  const matrices = coldMatrices(lab, shape, scheme);
  const { layout } = matrices[0]!;
  const rowCount = hasParts ? partCount(gpu, layout) : 1;
  const [x, y] = [rows(lab, shape[1]), rows(lab, shape[0], rowCount)];
  const weight = gpu.storageBuffer("norm", x.stride * 4);
  const norm = isPlain || adds ? undefined : { weight, epsilon: 1e-5 };
  const op = (matrix: Matrix) =>
    matvec(gpu, { matrix, x, y, add: adds, pick: PICK_ONE, norm, hasParts });
  return {
    ops: await Promise.all(matrices.map(op)),
    byteLength: byteLengthOf(layout),
  };
}

/**
 * Names a scheme in a few words.
 *
 * @param scheme The scheme.
 * @returns Its name.
 */
export function schemeName(scheme: Scheme): string {
  if (scheme.type !== "HQQ") return scheme.type;
  const { bits, axis, scaleGroupSize } = scheme;
  const scales = axis === 1
    ? "axis 1"
    : scaleGroupSize === null
    ? "float32 scales"
    : "8-bit scales";
  return `${bits} bits, ${scales}`;
}

/**
 * Says how wide q is.
 *
 * @param lab The lab.
 * @returns Floats of a token.
 */
export function qWidth({ config }: Lab): number {
  return config.numAttentionHeads * config.headDim;
}

/**
 * Says how wide k and v are.
 *
 * @param lab The lab.
 * @returns Floats of a token.
 */
export function kvWidth({ config }: Lab): number {
  return config.numKeyValueHeads * config.headDim;
}
