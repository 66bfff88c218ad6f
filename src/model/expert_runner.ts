/** What runs the experts of a layer. */

import type { Gpu } from "../gpu/device.ts";
import type { Recorder } from "../gpu/recorder.ts";
import type { ExpertActivity, ExpertWatch } from "../offload/expert_watch.ts";
import { residentExperts } from "../ops/experts.ts";
import type { Routing } from "../ops/moe.ts";
import type { Op } from "../ops/op.ts";
import type { FarGuesses } from "./far_guesses.ts";
import { readRouting, type RoutingListener } from "./routing_reader.ts";

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
   * @param isDecided Whether the router has decided where experts are, and logged
   * its choice.
   */
  run(
    recorder: Recorder,
    tokenCount: number,
    isDecided: boolean,
  ): Promise<void> | void;
}

/**
 * Runs experts that are all on the GPU: it finds those that are chosen.
 *
 * @param op The op over all experts of the layer.
 * @returns The runner.
 */
function residentRunner(op: Op): ExpertRunner {
  return { run: (recorder, tokenCount) => recorder.run(op, tokenCount) };
}

/** Options for {@linkcode reportedRunner}. */
interface ReportedRunnerOptions {
  /** The layer, among those of the model. */
  readonly layer: number;
  /** The routing, as the GPU computes it. */
  readonly routing: Routing;
  /** How many experts the layer's router guesses for the next layer. */
  readonly guessCount: number;
  /** Hears of the routing. */
  readonly onRouting: RoutingListener | undefined;
  /** Hears what experts do. */
  readonly watch: ExpertWatch;
  /** Guesses about layers farther than the next; `null` if there are none. */
  readonly far: FarGuesses | null;
}

/**
 * Reports where the tokens of a layer go before its experts run, unless nobody
 * listens or the router logs it. That costs a read-back, which experts that are all on
 * the GPU do without.
 *
 * @param runner Runs the experts.
 * @param options The layer, its routing and who hears of it.
 * @returns A runner that reads the routing, then runs them.
 */
function reportedRunner(
  runner: ExpertRunner,
  { layer, routing, guessCount, onRouting, watch, far }: ReportedRunnerOptions,
): ExpertRunner {
  return {
    async run(recorder, tokenCount, isDecided) {
      const isHeard = onRouting !== undefined || watch.isOn;
      if (isDecided || !isHeard) {
        return await runner.run(recorder, tokenCount, isDecided);
      }
      const options = {
        tokenCount,
        guessCount,
        withWeights: onRouting !== undefined,
        far: far?.slicesOf(layer),
      };
      const record = await readRouting(recorder, routing, options);
      onRouting?.(layer, record);
      if (watch.isOn) {
        watch.tell(allHits(layer, { ids: record.ids, tokenCount }));
      }
      await runner.run(recorder, tokenCount, isDecided);
    },
  };
}

/** All experts that the step uses are there. */
function allHits(
  layer: number,
  { ids, tokenCount }: { ids: Uint32Array; tokenCount: number },
): ExpertActivity {
  return {
    layer,
    phase: tokenCount === 1 ? "decode" : "prefill",
    hits: [...new Set(ids)],
    misses: [],
    prefetched: [],
    wasted: [],
  };
}

/**
 * Makes the runner of experts that are all on the GPU; their routing is read only
 * if heard.
 *
 * @param gpu The GPU.
 * @param options The experts, and who hears of their routing.
 * @returns The runner.
 */
export async function makeResident(
  gpu: Gpu,
  options: Parameters<typeof residentExperts>[1] & {
    layer: number;
    guessCount: number;
    onRouting: RoutingListener | undefined;
    watch: ExpertWatch;
    isWatchable: boolean;
    far: FarGuesses | null;
  },
): Promise<ExpertRunner> {
  const runner = residentRunner(await residentExperts(gpu, options));
  const isReported = options.onRouting !== undefined || options.isWatchable;
  return isReported ? reportedRunner(runner, options) : runner;
}
