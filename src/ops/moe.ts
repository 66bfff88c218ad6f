/** The router, and the sum of what the experts say. */

import type { Gpu } from "../gpu/device.ts";
import combineCode from "../../kernels/combine.wgsl" with { type: "text" };
import logitsCode from "../../kernels/lib/logits.wgsl" with { type: "text" };
import tellHost from "../../kernels/lib/tell_host.wgsl" with { type: "text" };
import tellNobody from "../../kernels/lib/tell_nobody.wgsl" with {
  type: "text",
};
import routeCode from "../../kernels/route.wgsl" with { type: "text" };
import { inputReading, type NormedInput } from "./input.ts";
import {
  deciding,
  type Residency,
  type StagedCounts,
  type Telling,
} from "./residency.ts";
import { byTokenCount, kernelOp, type Op, reduction, type Rows } from "./op.ts";

/** Which experts each token of a step goes to. */
export interface Routing {
  /** Expert ids (T, topK) u32, best first; room for E guesses after them. */
  readonly ids: GPUBuffer;
  /** Their weights (T, topK) f32, a row sums to 1. */
  readonly weights: GPUBuffer;
  /** Where a single token's ids and guesses go too, for the host to read. */
  readonly direct: GPUBuffer | null;
  /** Experts of a layer. */
  readonly expertCount: number;
  /** Experts of a token. */
  readonly topK: number;
}

/**
 * Makes the buffers of a routing.
 *
 * @param gpu The GPU.
 * @param options The most tokens of a step, the model's numbers, and the buffer of
 * `Readback.direct()` if the host reads.
 * @returns The routing.
 */
export function makeRouting(
  gpu: Gpu,
  { tokenLimit, expertCount, topK, direct = null }: {
    tokenLimit: number;
    expertCount: number;
    topK: number;
    direct?: GPUBuffer | null;
  },
): Routing {
  return {
    ids: gpu.storageBuffer(
      "routing ids",
      (tokenLimit * topK + expertCount) * 4,
    ),
    weights: gpu.storageBuffer("routing weights", tokenLimit * topK * 4),
    direct,
    expertCount,
    topK,
  };
}

/** Options for {@linkcode route}. */
export interface RouteOptions {
  /** The rows of x (T, hiddenSize). */
  readonly x: Rows;
  /**
   * What x is the norm of: for a single token the router computes x.
   *
   * @default {undefined} x is there
   */
  readonly beforeNorm?: NormedInput | undefined;
  /** How wide a row is: K. */
  readonly width: number;
  /** The router's weights (E, x.stride) f32, padded with zeros. */
  readonly gate: GPUBuffer;
  /** The result. */
  readonly routing: Routing;
  /**
   * Guesses for a single token which experts the next layer will choose, by
   * applying its router early (arXiv 2312.17238, section 3.2). They follow the
   * ids in `routing.ids`.
   *
   * @default {undefined} no guess
   */
  readonly guess?: {
    /** The next layer's router (E, x.stride) f32. */
    readonly nextGate: GPUBuffer;
    /** How many experts to guess, at most E. */
    readonly count: number;
  } | undefined;
  /**
   * Decides for a single token which experts of the layer are brought in, and logs
   * its choice and guess there, in place of `routing.direct`.
   *
   * @default {undefined} the host decides
   */
  readonly residency?: {
    /** Where it is kept. */
    readonly residency: Residency;
    /** The layer. */
    readonly layer: number;
    /**
     * What it stages for the next layer.
     *
     * @default {null} no router of the model stages anything
     */
    readonly staged?: StagedCounts | null;
  } | undefined;
}

/**
 * Makes the router: softmax over the `topK` highest logits of gate x.
 *
 * @param gpu The GPU.
 * @param options The rows of x, the gate, and the result.
 * @returns The op.
 */
export async function route(gpu: Gpu, options: RouteOptions): Promise<Op> {
  const { x, beforeNorm, residency, routing } = options;
  const many = await routeRows(gpu, options, { x, telling: TELL_NOBODY });
  if (beforeNorm === undefined && residency === undefined) return many;
  const one = await routeRows(gpu, options, {
    ...(beforeNorm ?? { x }),
    telling: residency === undefined ? tellingHost(routing.direct) : deciding(
      residency.residency,
      residency.layer,
      residency.staged ?? null,
    ),
  });
  return byTokenCount(one, many);
}

function routeRows(
  gpu: Gpu,
  { x: kept, gate, routing, guess, width }: RouteOptions,
  { x, norm, telling }: Partial<NormedInput> & { x: Rows; telling: Telling },
): Promise<Op> {
  const { source, constants } = reduction(gpu, x.stride / 4);
  const input = inputReading(norm, kept.buffer);
  const gateCount = guess === undefined ? 1 : 2;
  return kernelOp(gpu, {
    sources: [
      source,
      input.source,
      ...telling.sources,
      { name: "lib/logits.wgsl", code: logitsCode },
      { name: "route.wgsl", code: routeCode },
    ],
    constants: {
      ...constants,
      ...input.constants,
      ...telling.constants,
      K: width,
      QUADS: x.stride / 4,
      E: routing.expertCount,
      TOP_K: routing.topK,
      GUESS: guess?.count ?? 0,
    },
    bindings: {
      0: x.buffer,
      1: gate,
      2: routing.ids,
      3: routing.weights,
      4: guess?.nextGate ?? gate,
      ...input.bindings,
      ...telling.bindings,
    },
    workgroups: (tokenCount) => [tokenCount],
    cost: (tokenCount) => {
      const count = tokenCount === 1 ? gateCount : 1; // only one token guesses
      const weightCount = count * routing.expertCount * x.stride;
      return {
        byteLength: 4 * weightCount,
        flops: 2 * weightCount * tokenCount,
      };
    },
  });
}

const TELL_NOBODY: Telling = {
  sources: [{ name: "lib/tell_nobody.wgsl", code: tellNobody }],
  constants: {},
  bindings: {},
};

function tellingHost(direct: GPUBuffer | null): Telling {
  if (direct === null) return TELL_NOBODY;
  return {
    sources: [{ name: "lib/tell_host.wgsl", code: tellHost }],
    constants: {},
    bindings: { 5: direct },
  };
}

/**
 * Makes x += the weighted sum of the experts' rows, in rank order.
 *
 * @param gpu The GPU.
 * @param options The experts' rows and in how many parts each is for a single
 * token, the routing, and the residual x.
 * @returns The op.
 */
export async function combine(
  gpu: Gpu,
  { y, partCount, routing, x, width }: {
    y: Rows;
    partCount: number;
    routing: Routing;
    x: Rows;
    width: number;
  },
): Promise<Op> {
  const ofParts = (PARTS: number) =>
    kernelOp(gpu, {
      sources: [{ name: "combine.wgsl", code: combineCode }],
      constants: { N: width, STRIDE: x.stride, TOP_K: routing.topK, PARTS },
      bindings: { 0: y.buffer, 1: routing.weights, 2: x.buffer },
      workgroups: (tokenCount) => [Math.ceil(width / 64), tokenCount],
    });
  return byTokenCount(await ofParts(partCount), await ofParts(1));
}
