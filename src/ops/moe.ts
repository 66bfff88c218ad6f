/** The router, and the sum of what the experts say. */

import type { Gpu } from "../gpu/device.ts";
import combineCode from "../../kernels/combine.wgsl" with { type: "text" };
import routeCode from "../../kernels/route.wgsl" with { type: "text" };
import { kernelOp, type Op, reduction, type Rows } from "./op.ts";

/** Which experts each token of a step goes to. */
export interface Routing {
  /** Expert ids (T, topK) u32, best first; room for E guesses after them. */
  readonly ids: GPUBuffer;
  /** Their weights (T, topK) f32, a row sums to 1. */
  readonly weights: GPUBuffer;
  /** Experts of a layer. */
  readonly expertCount: number;
  /** Experts of a token. */
  readonly topK: number;
}

/**
 * Makes the buffers of a routing.
 *
 * @param gpu The GPU.
 * @param options The most tokens of a step, and the model's numbers.
 * @returns The routing.
 */
export function makeRouting(
  gpu: Gpu,
  { tokenLimit, expertCount, topK }: {
    tokenLimit: number;
    expertCount: number;
    topK: number;
  },
): Routing {
  return {
    ids: gpu.storageBuffer(
      "routing ids",
      (tokenLimit * topK + expertCount) * 4,
    ),
    weights: gpu.storageBuffer("routing weights", tokenLimit * topK * 4),
    expertCount,
    topK,
  };
}

/** Options for {@linkcode route}. */
export interface RouteOptions {
  /** The rows of x (T, hiddenSize). */
  readonly x: Rows;
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
}

/**
 * Makes the router: softmax over the `topK` highest logits of gate x.
 *
 * @param gpu The GPU.
 * @param options The rows of x, the gate, and the result.
 * @returns The op.
 */
export function route(
  gpu: Gpu,
  { x, gate, routing, guess }: RouteOptions,
): Promise<Op> {
  const { source, constants } = reduction(gpu, x.stride / 4);
  return kernelOp(gpu, {
    sources: [source, { name: "route.wgsl", code: routeCode }],
    constants: {
      ...constants,
      STRIDE: x.stride,
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
    },
    workgroups: (tokenCount) => [tokenCount],
  });
}

/**
 * Makes x += the weighted sum of the experts' rows, in rank order.
 *
 * @param gpu The GPU.
 * @param options The experts' rows, the routing, and the residual x.
 * @returns The op.
 */
export function combine(
  gpu: Gpu,
  { y, routing, x, width }: {
    y: Rows;
    routing: Routing;
    x: Rows;
    width: number;
  },
): Promise<Op> {
  return kernelOp(gpu, {
    sources: [{ name: "combine.wgsl", code: combineCode }],
    constants: { N: width, STRIDE: x.stride, TOP_K: routing.topK },
    bindings: { 0: y.buffer, 1: routing.weights, 2: x.buffer },
    workgroups: (tokenCount) => [Math.ceil(width / 64), tokenCount],
  });
}
