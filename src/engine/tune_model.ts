/** The ops of a token that `moeno tune` times, at the shapes of a large model. */

import type { Gpu } from "../gpu/device.ts";
import { GROUP_SIZES, schemeOf } from "../model/quantization.ts";
import type { ArgmaxOptions } from "../ops/argmax.ts";
import {
  type ExpertLayout,
  expertLayout,
  makeExpertScratch,
} from "../ops/expert_layout.ts";
import { residentExperts } from "../ops/experts.ts";
import { linear } from "../ops/linear.ts";
import { type MatrixLayout, matrixLayout } from "../ops/matrix.ts";
import { combine, makeRouting, route } from "../ops/moe.ts";
import { makeRows, type Op } from "../ops/op.ts";
import { projections } from "../ops/projections.ts";
import { makeStepBuffers } from "../ops/step.ts";
import {
  randomGroups,
  randomMatrices,
  randomWeights,
} from "./random_weights.ts";

/** What is run: functions make ops by the tuning in force. */
export interface TuneModel {
  /** How its matrices lie. */
  readonly layouts: TuneLayouts;
  /** What the op that picks a token works on. */
  readonly argmaxOptions: ArgmaxOptions;
  /** Both experts of a token and the sum of their rows, layer by layer. */
  readonly experts: () => Promise<Op[]>;
  /** q, k and v in one dispatch where that can be, and o, layer by layer. */
  readonly matrices: () => Promise<Op[]>;
  /** The routers, and the output matrix with its norm. */
  readonly sums: () => Promise<Op[]>;
}

/** How matrices lie. */
export interface TuneLayouts {
  /** W1 and W3. */
  readonly up: MatrixLayout;
  /** W2. */
  readonly down: MatrixLayout;
  /** q and o. */
  readonly q: MatrixLayout;
  /** k and v. */
  readonly k: MatrixLayout;
  /** The output matrix. */
  readonly head: MatrixLayout;
}

/** The numbers of a model that is timed. */
interface Shape {
  readonly hidden: number;
  readonly intermediate: number;
  readonly kvWidth: number;
  readonly vocabSize: number;
  readonly layerCount: number;
}

/** Mixtral-8x7B, half of it in each direction, and for the CPU the least that strips read. */
// deno-fmt-ignore
const SHAPES: readonly Shape[] = [
  { hidden: 4096, intermediate: 14_336, kvWidth: 1024, vocabSize: 32_000, layerCount: 32 },
  { hidden: 2048, intermediate: 7168, kvWidth: 512, vocabSize: 32_000, layerCount: 32 },
  { hidden: 512, intermediate: 384, kvWidth: 512, vocabSize: 4096, layerCount: 6 },
];
const ATTENTION = schemeOf({ bits: 4, ...GROUP_SIZES[4] });
const EXPERT = schemeOf({ bits: 2, ...GROUP_SIZES[2] });
const EXPERT_COUNT = 8;
const TOP_K = 2;
const SIZES = { tokenLimit: 1, expertCount: EXPERT_COUNT, topK: TOP_K };
/** Layers that have weights of their own, so that no cache holds them. */
const DISTINCT_LAYERS = EXPERT_COUNT / TOP_K;

/**
 * Makes weights and rows of a token, as large as the GPU grants.
 *
 * @param gpu The GPU, in a scope that frees them.
 * @returns The model.
 */
export function makeTuneModel(gpu: Gpu): TuneModel {
  const shape = shapeFor(gpu);
  const { hidden, intermediate, vocabSize } = shape;
  const layouts: TuneLayouts = {
    up: matrixLayout("W1", [intermediate, hidden], EXPERT),
    down: matrixLayout("W2", [hidden, intermediate], EXPERT),
    q: matrixLayout("q", [hidden, hidden], ATTENTION),
    k: matrixLayout("k", [shape.kvWidth, hidden], ATTENTION),
    head: matrixLayout("lm_head", [vocabSize, hidden], { type: "F16" }),
  };
  const row = (width: number) => makeRows(gpu, "row", [1, width]);
  const step = makeStepBuffers(gpu, 1);
  const rows = { x: row(hidden), y: row(hidden), logits: row(vocabSize) };
  const parts = { ...rows, shape, layouts, step: step.step };
  return {
    layouts,
    argmaxOptions: {
      logits: rows.logits,
      vocabSize,
      picked: gpu.storageBuffer("picked", 4),
      step,
    },
    experts: expertsOf(gpu, parts),
    matrices: matricesOf(gpu, parts),
    sums: sumsOf(gpu, parts),
  };
}

/** What ops are made from. */
interface Parts extends Pick<ArgmaxOptions, "logits"> {
  readonly shape: Shape;
  readonly layouts: TuneLayouts;
  readonly x: ArgmaxOptions["logits"];
  readonly y: ArgmaxOptions["logits"];
  readonly step: GPUBuffer;
}

function expertsOf(
  gpu: Gpu,
  { shape, layouts, x, y, step }: Parts,
): TuneModel["experts"] {
  const { hidden, intermediate } = shape;
  const layout = expertLayout(layouts.up, layouts.down);
  const buffer = makeBank(gpu, layout);
  const routings = Array.from({ length: DISTINCT_LAYERS }, (_, layer) => {
    const routing = makeRouting(gpu, SIZES);
    const ids = Uint32Array.of(TOP_K * layer, TOP_K * layer + 1);
    gpu.upload(routing.ids, new Uint8Array(ids.buffer));
    return routing;
  });
  return async () => {
    // How many rows W2 writes is a part of how it shares its work.
    const scratch = makeExpertScratch(gpu, {
      ...SIZES,
      layout,
      hiddenSize: hidden,
      intermediateSize: intermediate,
    });
    const layers = await Promise.all(routings.map((routing) =>
      Promise.all([
        residentExperts(gpu, { layout, buffer, routing, scratch, step, x: y }),
        combine(gpu, {
          y: scratch.y,
          partCount: scratch.partCount,
          routing,
          x,
          width: hidden,
        }),
      ])
    ));
    return inLayers(shape, layers).flat();
  };
}

function matricesOf(
  gpu: Gpu,
  { shape, layouts: { q, k }, x, y, step }: Parts,
): TuneModel["matrices"] {
  const { hidden, kvWidth } = shape;
  const heads = randomGroups(gpu, [q, k, k], DISTINCT_LAYERS);
  const outputs = randomMatrices(gpu, q, DISTINCT_LAYERS);
  const row = (width: number) => makeRows(gpu, "row", [1, width]);
  const rows = { q: row(hidden), k: row(kvWidth), v: row(kvWidth) };
  const weight = gpu.storageBuffer("norm", hidden * 4);
  const beforeNorm = { x, norm: { weight, epsilon: 1e-5 } };
  return async () => {
    const layers = await Promise.all(
      heads.map(([q, k, v], layer) =>
        Promise.all([
          projections(gpu, {
            matrices: { q: q!, k: k!, v: v! },
            x: y,
            beforeNorm,
            y: rows,
            oneY: rows,
            step,
          }),
          linear(gpu, {
            matrix: { buffer: outputs[layer]!, layout: q!.layout },
            x: rows.q,
            y,
            step,
          }),
        ])
      ),
    );
    return inLayers(shape, layers).flat();
  };
}

function sumsOf(
  gpu: Gpu,
  { shape, layouts: { head }, x, y, logits, step }: Parts,
): TuneModel["sums"] {
  const { hidden } = shape;
  const [buffer] = randomMatrices(gpu, head, 1);
  const matrix = { buffer: buffer!, layout: head };
  const gate = gpu.storageBuffer("gate", EXPERT_COUNT * hidden * 4);
  const weight = gpu.storageBuffer("norm", hidden * 4);
  const routing = makeRouting(gpu, SIZES);
  const beforeNorm = { x, norm: { weight, epsilon: 1e-5 } };
  return async () => {
    const normed = { x: y, beforeNorm };
    const router = await route(gpu, {
      ...normed,
      width: hidden,
      gate,
      routing,
    });
    const output = await linear(gpu, { ...normed, matrix, y: logits, step });
    return [...inLayers(shape, [router]), output];
  };
}

/** The largest model whose experts lie in one buffer. */
function shapeFor(gpu: Gpu): Shape {
  const smallest = SHAPES.at(-1)!;
  if (gpu.isSoftware) return smallest;
  return SHAPES.find(({ hidden, intermediate, vocabSize }) => {
    // 2 bits, their scales and zeros: 3.1 bits a weight.
    const experts = EXPERT_COUNT * 3 * hidden * intermediate * 3.1 / 8;
    return Math.max(experts, vocabSize * hidden * 2) <= gpu.bindByteLimit;
  }) ?? smallest;
}

/** All experts of a layer in one buffer. */
function makeBank(gpu: Gpu, layout: ExpertLayout): GPUBuffer {
  const byteLength = layout.wordCount * 4;
  const [up, down] = [randomWeights(layout.up), randomWeights(layout.down)];
  const bank = gpu.storageBuffer("experts", EXPERT_COUNT * byteLength);
  for (let expert = 0; expert < EXPERT_COUNT; expert++) {
    const { w1, w2, w3 } = layout.at;
    for (const [at, bytes] of [[w1, up], [w3, up], [w2, down]] as const) {
      gpu.upload(bank, bytes, expert * byteLength + at * 4);
    }
  }
  return bank;
}

/** As many as the model has layers, over and over. */
function inLayers<T>({ layerCount }: Shape, of: readonly T[]): T[] {
  return Array.from({ length: layerCount }, (_, i) => of[i % of.length]!);
}
