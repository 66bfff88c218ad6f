/** What runs the experts of a layer. */

import type { Recorder } from "../gpu/recorder.ts";
import type { Op } from "../ops/op.ts";

/**
 * Computes y[rank] = W2 (silu(W1 x) * W3 x) of the chosen experts for each token
 * of a step. Where the experts are is its own affair.
 */
export interface ExpertRunner {
  /**
   * Records the experts of the layer; may submit and read back before.
   *
   * @param recorder The commands of the step.
   * @param tokenCount How many tokens the step has.
   */
  run(recorder: Recorder, tokenCount: number): Promise<void> | void;
}

/**
 * Runs experts that are all on the GPU: it finds those that are chosen.
 *
 * @param op The op over all experts of the layer.
 * @returns The runner.
 */
export function residentRunner(op: Op): ExpertRunner {
  return { run: (recorder, tokenCount) => recorder.run(op, tokenCount) };
}
