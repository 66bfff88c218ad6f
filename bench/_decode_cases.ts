/** Products of one row: decode. */

import pickOne from "../kernels/lib/pick_one.wgsl" with { type: "text" };
import type { Activations } from "../src/gpu/activations.ts";
import { randomWeights } from "../src/engine/random_weights.ts";
import { type ExpertLayout, expertLayout } from "../src/ops/expert_layout.ts";
import { residentExperts } from "../src/ops/experts.ts";
import {
  type Matrix,
  matrixLayout,
  type Scheme,
  SCHEMES,
} from "../src/ops/matrix.ts";
import { matvec } from "../src/ops/matvec.ts";
import {
  type BenchCase,
  type BenchOps,
  byteLengthOf,
  coldMatrices,
  evenRouting,
  expertScratch,
  type Lab,
  rows,
} from "./_lab.ts";

/** All cases of the suite. */
export const DECODE_CASES: readonly BenchCase[] = [
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
  { name: "W1, W3 and W2 of a token's experts", make: experts },
  ...(["int16", "int8"] as const).map((activations): BenchCase => ({
    name: `W1, W3 and W2 of a token's experts, ${activations} activations`,
    make: (lab) => rounded(lab, activations),
  })),
  {
    name: "W1, W3 and W2 of a token's experts, axis 1",
    make: (lab) => experts(lab, axis1Layout(lab)),
  },
  ...SCHEMES.map((scheme): BenchCase => ({
    name: `W1 alone, ${schemeName(scheme)}`,
    make: ({ config, ...lab }) =>
      product(
        { config, ...lab },
        [config.intermediateSize, config.hiddenSize],
        { scheme, isPlain: true },
      ),
  })),
];

/** A matrix with a row of x, in as many buffers as no cache holds. */
async function product(
  lab: Lab,
  shape: readonly [number, number],
  { scheme = lab.attention, adds = false, isPlain = false }: {
    scheme?: Scheme;
    adds?: boolean;
    isPlain?: boolean;
  },
): Promise<BenchOps> {
  const { gpu } = lab;
  const matrices = coldMatrices(lab, shape, scheme);
  const [x, y] = [rows(lab, shape[1]), rows(lab, shape[0])];
  const weight = gpu.storageBuffer("norm", x.stride * 4);
  const norm = isPlain || adds ? undefined : { weight, epsilon: 1e-5 };
  const pick = {
    sources: [{ name: "lib/pick_one.wgsl", code: pickOne }],
    constants: {},
    bindings: {},
    count: 1,
  };
  const op = (matrix: Matrix) =>
    matvec(gpu, { matrix, x, y, add: adds, pick, norm });
  return {
    ops: await Promise.all(matrices.map(op)),
    byteLength: byteLengthOf(matrices[0]!.layout),
  };
}

/** Both experts of a token, other ones each time. */
async function experts(
  lab: Lab,
  layout: ExpertLayout = lab.expertLayout,
): Promise<BenchOps> {
  const { gpu, config, step } = lab;
  const { numLocalExperts, numExpertsPerTok: topK } = config;
  const buffer = expertBank(lab, layout);
  const scratch = expertScratch(lab, layout);
  const x = rows(lab, config.hiddenSize);
  const ops = [];
  for (let first = 0; first < numLocalExperts; first += topK) {
    const routing = evenRouting(lab, first);
    const options = { layout, x, scratch, buffer, routing, step: step.step };
    ops.push(await residentExperts(gpu, options));
  }
  return { ops, byteLength: topK * layout.wordCount * 4 };
}

/** The same with inputs that are less exact, where they can be. */
async function rounded(
  lab: Lab,
  activations: Activations,
): Promise<BenchOps | null> {
  const { gpu } = lab;
  if (!gpu.hasWideWorkgroups) return null;
  gpu.activations = activations;
  try {
    return await experts(lab);
  } finally {
    gpu.activations = "float32";
  }
}

/** All experts of a layer in one buffer, random. */
export function expertBank({ gpu, config }: Lab, layout: ExpertLayout) {
  const { up, down, at: { w1, w2, w3 } } = layout;
  const [ups, downs] = [randomWeights(up), randomWeights(down)];
  const byteLength = layout.wordCount * 4;
  const bank = gpu.storageBuffer(
    "experts",
    config.numLocalExperts * byteLength,
  );
  for (let expert = 0; expert < config.numLocalExperts; expert++) {
    for (const [at, bytes] of [[w1, ups], [w3, ups], [w2, downs]] as const) {
      gpu.upload(bank, bytes, expert * byteLength + at * 4);
    }
  }
  return bank;
}

/** As mixtral-offloading's axis 1: inputs share scales, which are float32. */
export function axis1Layout({ config, experts }: Lab): ExpertLayout {
  const { hiddenSize, intermediateSize } = config;
  const scheme: Scheme = { ...experts, axis: 1, scaleGroupSize: null };
  return expertLayout(
    matrixLayout("W1", [intermediateSize, hiddenSize], scheme),
    matrixLayout("W2", [hiddenSize, intermediateSize], scheme),
  );
}

/** Names a scheme in a few words. */
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

/** Width of q. */
export function qWidth({ config }: Lab): number {
  return config.numAttentionHeads * config.headDim;
}

/** Width of k and v. */
export function kvWidth({ config }: Lab): number {
  return config.numKeyValueHeads * config.headDim;
}
