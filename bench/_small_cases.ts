/** Ops that move few bytes: latency is what they cost. */

import { ExpertCache } from "../src/offload/expert_cache.ts";
import { residencyLayout, writeBlock } from "../src/offload/residency_block.ts";
import { decayFactors } from "../src/offload/use_history.ts";
import { argmax } from "../src/ops/argmax.ts";
import { combine, route, type RouteOptions } from "../src/ops/moe.ts";
import { readAll } from "../src/ops/read.ts";
import { makeResidency } from "../src/ops/residency.ts";
import {
  type BenchCase,
  type BenchOps,
  evenRouting,
  expertScratch,
  type Lab,
  rows,
} from "./_lab.ts";

/** All cases of the suite. */
export const SMALL_CASES: readonly BenchCase[] = [
  {
    name: "a dispatch that does next to nothing",
    make: (lab) => sum(lab, 64, 1),
  },
  {
    name: "sum of the experts' rows",
    make: (lab) =>
      sum(lab, lab.config.hiddenSize, expertScratch(lab).partCount),
  },
  { name: "router", make: (lab) => router(lab, {}) },
  {
    name: "router that guesses",
    make: (lab) => router(lab, { guess: guessOf(lab) }),
  },
  { name: "router that tells the host", make: (lab) => router(lab, {}, true) },
  {
    name: "router that decides",
    make: (lab) => router(lab, { residency: deciding(lab, false) }),
  },
  {
    name: "router that decides, guesses and stages",
    make: (lab) =>
      router(lab, { guess: guessOf(lab), residency: deciding(lab, true) }),
  },
  { name: "argmax", make: pick },
  { name: "read of a buffer", make: read },
];

async function sum(
  lab: Lab,
  width: number,
  partCount: number,
): Promise<BenchOps> {
  const op = await combine(lab.gpu, {
    y: rows(lab, width, partCount * lab.config.numExpertsPerTok),
    partCount,
    routing: evenRouting(lab),
    x: rows(lab, width),
    width,
  });
  return { ops: [op] };
}

async function router(
  lab: Lab,
  more: Pick<RouteOptions, "guess" | "residency">,
  tellsHost = false,
): Promise<BenchOps> {
  const { gpu, config: { hiddenSize: width, numLocalExperts } } = lab;
  const x = rows(lab, width);
  const weight = gpu.storageBuffer("norm", x.stride * 4);
  const direct = tellsHost ? gpu.storageBuffer("told", 256) : null;
  const op = await route(gpu, {
    x: rows(lab, width),
    beforeNorm: { x, norm: { weight, epsilon: 1e-5 } },
    width,
    gate: gpu.storageBuffer("gate", numLocalExperts * x.stride * 4),
    routing: { ...evenRouting(lab), direct },
    ...more,
  });
  return { ops: [op] };
}

function guessOf({ gpu, config }: Lab): RouteOptions["guess"] {
  const { numLocalExperts, hiddenSize } = config;
  const byteLength = numLocalExperts * hiddenSize * 4;
  return { nextGate: gpu.storageBuffer("next gate", byteLength), count: 3 };
}

/** Two layers, the first of which is decided for. */
function deciding(
  { gpu, config }: Lab,
  isStaging: boolean,
): RouteOptions["residency"] {
  const { numLocalExperts: expertCount, numExpertsPerTok: topK } = config;
  const policy = "lru";
  const layout = residencyLayout({ expertCount, topK });
  const residency = makeResidency(gpu, {
    layerCount: 2,
    topK,
    wordCount: layout.wordCount,
    policy,
    decayFactors: decayFactors(128),
  });
  const cache = new ExpertCache(expertCount / 2, { expertCount, policy });
  const words = new Uint32Array(layout.wordCount);
  writeBlock(layout, cache, words);
  for (const layer of [0, 1]) {
    const bytes = new Uint8Array(words.buffer);
    gpu.upload(residency.blocks, bytes, layer * residency.blockByteLength);
  }
  const staged = isStaging ? { least: 1, most: 2 } : null;
  return { residency, layer: 0, staged };
}

async function pick(lab: Lab): Promise<BenchOps> {
  const { gpu, config: { vocabSize }, step } = lab;
  const op = await argmax(gpu, {
    logits: rows(lab, vocabSize),
    vocabSize,
    picked: gpu.storageBuffer("picked", 4),
    step,
  });
  return { ops: [op], byteLength: vocabSize * 4 };
}

async function read({ gpu }: Lab): Promise<BenchOps> {
  const byteLength = (gpu.isSoftware ? 1 : 64) * 2 ** 20;
  const count = gpu.isSoftware ? 1 : 4;
  const ops = [];
  for (let i = 0; i < count; i++) {
    ops.push(await readAll(gpu, gpu.storageBuffer("to read", byteLength)));
  }
  return { ops, byteLength };
}
