/** Guesses of routers about layers farther than the next, for traces. */

import type { Gpu } from "../gpu/device.ts";
import type { Slice } from "../gpu/readback.ts";
import { GUESS_DEPTH } from "../offload/offload_stats.ts";
import { makeRouting, route } from "../ops/moe.ts";
import {
  byTokenCount,
  type Op,
  type Rows,
  sequence,
  withRole,
} from "../ops/op.ts";
import type { RoutingListener } from "./routing_reader.ts";
import type { Weights } from "./upload.ts";

/** Options for {@linkcode makeFarGuesses}. */
export interface FarGuessesOptions {
  /** How many layers ahead, each at least 2, ascending. */
  readonly guessAhead?: readonly number[] | undefined;
  /** Hears of the guesses. */
  readonly onRouting?: RoutingListener | undefined;
  /** The rows of x that routers see (T, hiddenSize). */
  readonly x: Rows;
}

/** What is guessed about layers farther than the next, by each layer. */
export interface FarGuesses {
  /**
   * The op that guesses, after the layer's router. For more than one token it does
   * nothing.
   */
  opOf(layer: number): Op;
  /** Where the guesses of a layer are after it, by depth; `null` beyond the last. */
  slicesOf(layer: number): readonly (Slice | null)[];
}

/**
 * Makes the ops that apply later layers' routers to this layer's x, as the router
 * does with the next layer's (arXiv 2312.17238, section 3.2), each in a dispatch of
 * its own.
 *
 * @param gpu The GPU.
 * @param weights The routers, and what the model is.
 * @param options How far ahead to guess.
 * @returns Ops and results of each layer; `null` if nobody wants to hear of them.
 */
export async function makeFarGuesses(
  gpu: Gpu,
  { config, layers }: Weights,
  { guessAhead: depths = [], onRouting, x }: FarGuessesOptions,
): Promise<FarGuesses | null> {
  if (depths.length === 0 || onRouting === undefined) return null;
  const { numLocalExperts: expertCount, hiddenSize: width } = config;
  const topK = Math.min(GUESS_DEPTH, expertCount);
  // All layers share them: each layer's are read before the next layer's are made.
  const routings = depths.map(() =>
    makeRouting(gpu, { tokenLimit: 1, expertCount, topK })
  );
  const ops: Op[] = [];
  for (const layer of layers.keys()) {
    const parts: Op[] = [];
    for (const [i, depth] of depths.entries()) {
      const gate = layers[layer + depth]?.gate;
      if (gate === undefined) continue;
      const options = { x, width, gate, routing: routings[i]! };
      parts.push(await route(gpu, options));
    }
    const one = sequence("guesses", parts);
    const many = sequence("guesses", []);
    ops.push(withRole("router", byTokenCount(one, many)));
  }
  return {
    opOf: (layer) => ops[layer]!,
    slicesOf: (layer) =>
      depths.map((depth, i) =>
        layer + depth < layers.length
          ? { source: routings[i]!.ids, byteLength: topK * 4 }
          : null
      ),
  };
}
