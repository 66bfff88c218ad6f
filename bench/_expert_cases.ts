/** A token's experts where all are on the GPU. */

import type { Activations } from "../src/gpu/activations.ts";
import { GROUP_SIZES, schemeOf } from "../src/model/quantization.ts";
import { randomWeights } from "../src/engine/random_weights.ts";
import { type ExpertLayout, expertLayout } from "../src/ops/expert_layout.ts";
import { oneTokenOps, pickChosen } from "../src/ops/experts.ts";
import { matrixLayout, type Scheme } from "../src/ops/matrix.ts";
import { type Op, sequence } from "../src/ops/op.ts";
import {
  type BenchCase,
  type BenchOps,
  evenRouting,
  expertScratch,
  type Lab,
  rows,
} from "./_lab.ts";

/** How experts of other bits are quantized. */
const SCHEMES: Readonly<Record<2 | 4, Scheme>> = {
  2: schemeOf({ bits: 2, ...GROUP_SIZES[2] }),
  4: schemeOf({ bits: 4, ...GROUP_SIZES[4] }),
};

/** The products of an expert, by the names of their cases. */
const PRODUCTS = {
  "W1, W3 and W2": ["up", "down"],
  "W1 and W3": ["up"],
  "W2": ["down"],
} as const;

/** Both experts of a token, whole and product by product. */
export const EXPERT_CASES: readonly BenchCase[] = [
  ...([2, 4] as const).flatMap((bits) =>
    Object.entries(PRODUCTS).map(([name, products]): BenchCase => ({
      name: `${name} of a token's experts, ${bits} bits`,
      make: (lab) =>
        experts(lab, { layout: layoutOf(lab, SCHEMES[bits]), products }),
    }))
  ),
  ...(["int16", "int8"] as const).map((activations): BenchCase => ({
    name: `W1, W3 and W2 of a token's experts, 2 bits, ${activations}`,
    make: (lab) => rounded(lab, activations),
  })),
  {
    name: "W1, W3 and W2 of a token's experts, axis 1",
    make: (lab) => experts(lab, { layout: axis1Layout(lab) }),
  },
];

/** Both experts of a token, other ones each time. */
async function experts(
  lab: Lab,
  { layout, products = ["up", "down"] }: {
    layout: ExpertLayout;
    products?: readonly ("up" | "down")[];
  },
): Promise<BenchOps | null> {
  const { gpu, config } = lab;
  const { numLocalExperts, numExpertsPerTok: topK } = config;
  const byteLength = layout.wordCount * 4;
  if (numLocalExperts * byteLength > gpu.bindByteLimit) return null;
  const buffer = expertBank(lab, layout);
  const scratch = expertScratch(lab, layout);
  const x = rows(lab, config.hiddenSize);
  const ops: Op[] = [];
  for (let first = 0; first < numLocalExperts; first += topK) {
    const routing = evenRouting(lab, first);
    const [up, down] = await oneTokenOps(
      gpu,
      { layout, x, scratch, buffer, routing },
      pickChosen(layout, routing),
    );
    const both = { up, down };
    ops.push(sequence("experts", products.map((product) => both[product])));
  }
  const { w2 } = layout.at;
  const words = { up: w2, down: layout.wordCount - w2 };
  const wordCount = products.reduce((sum, product) => sum + words[product], 0);
  return { ops, byteLength: topK * wordCount * 4 };
}

/** With inputs that are less exact, where they can be. */
async function rounded(
  lab: Lab,
  activations: Activations,
): Promise<BenchOps | null> {
  const { gpu } = lab;
  if (!gpu.hasWideWorkgroups) return null;
  gpu.activations = activations;
  try {
    return await experts(lab, { layout: layoutOf(lab, SCHEMES[2]) });
  } finally {
    gpu.activations = "float32";
  }
}

/**
 * Makes all experts of a layer in one buffer, random.
 *
 * @param lab The lab.
 * @param layout How an expert lies.
 * @returns The buffer.
 */
export function expertBank(
  { gpu, config }: Lab,
  layout: ExpertLayout,
): GPUBuffer {
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

/**
 * Lays out an expert as mixtral-offloading does along axis 1: inputs share scales,
 * which are float32.
 *
 * @param lab The lab.
 * @returns The layout.
 */
export function axis1Layout(lab: Lab): ExpertLayout {
  return layoutOf(lab, { ...lab.experts, axis: 1, scaleGroupSize: null });
}

function layoutOf({ config }: Lab, scheme: Scheme): ExpertLayout {
  const { hiddenSize, intermediateSize } = config;
  return expertLayout(
    matrixLayout("W1", [intermediateSize, hiddenSize], scheme),
    matrixLayout("W2", [hiddenSize, intermediateSize], scheme),
  );
}
