/** The routing of a layer, on the host. */

import type { Slice } from "../gpu/readback.ts";
import type { Recorder } from "../gpu/recorder.ts";
import type { Routing } from "../ops/moe.ts";

/** Which experts the tokens of a step go to in a layer. */
export interface RoutingRecord {
  /** Expert ids (T, topK), best first. */
  readonly ids: Uint32Array;
  /** Their weights (T, topK); empty unless they were asked for. */
  readonly weights: Float32Array;
  /** What a single token's next layer will choose, by a guess, best first. */
  readonly guess: Uint32Array;
  /**
   * The same about layers farther than the next, for each of
   * `LoadOptions.guessAhead`, where that was asked for.
   */
  readonly farGuesses?: readonly Uint32Array[];
}

/** Hears of the routing of each layer, by the model's layers. */
export type RoutingListener = (layer: number, routing: RoutingRecord) => void;

/**
 * Submits what was recorded, waits for it, and reads the routing.
 *
 * @param recorder The commands of the step, the router's last.
 * @param routing The routing on the GPU.
 * @param options How many tokens the step has, how many guesses follow the ids of
 * a single token, whether to read the weights too, and where farther guesses are.
 * @returns The routing.
 */
export async function readRouting(
  recorder: Recorder,
  routing: Routing,
  { tokenCount, guessCount, withWeights, far = [] }: {
    tokenCount: number;
    guessCount: number;
    withWeights: boolean;
    far?: readonly (Slice | null)[] | undefined;
  },
): Promise<RoutingRecord> {
  const useCount = tokenCount * routing.topK;
  const idCount = useCount + (tokenCount === 1 ? guessCount : 0);
  const slices: Slice[] = [{ source: routing.ids, byteLength: idCount * 4 }];
  if (withWeights) {
    slices.push({ source: routing.weights, byteLength: useCount * 4 });
  }
  const farAt = idCount + (withWeights ? useCount : 0);
  const isFar = far.length > 0 && tokenCount === 1;
  if (isFar) slices.push(...far.filter((slice) => slice !== null));
  const isDirect = routing.direct && tokenCount === 1 && !withWeights;
  const bytes = isDirect
    ? await recorder.readDirect(routing.direct!, idCount * 4)
    : await recorder.read(slices);
  return {
    ids: new Uint32Array(bytes, 0, useCount),
    guess: new Uint32Array(bytes, useCount * 4, idCount - useCount),
    weights: new Float32Array(bytes, idCount * 4, withWeights ? useCount : 0),
    ...isFar && { farGuesses: farGuessesIn(bytes, farAt * 4, far) },
  };
}

/** Guesses one after the other; none about layers that there are not. */
function farGuessesIn(
  bytes: ArrayBuffer,
  byteOffset: number,
  far: readonly (Slice | null)[],
): Uint32Array[] {
  let at = byteOffset;
  return far.map((slice) => {
    const guess = new Uint32Array(bytes, at, (slice?.byteLength ?? 0) / 4);
    at += guess.byteLength;
    return guess;
  });
}
