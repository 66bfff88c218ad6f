/** Experts beyond VRAM: which to load when, beside what. */

import type { PrefetchSwitch } from "../offload/prefetch_switch.ts";
import type { Op } from "../ops/op.ts";
import { decodeExperts } from "./expert_decode.ts";
import { prefillExperts } from "./expert_prefill.ts";
import type { ExpertRunner } from "./expert_runner.ts";
import type { OffloadParts } from "./offload_parts.ts";

/** What runs for a token where its router has decided. */
export interface DecidedExperts {
  /** The experts, which bring in what is missing. */
  readonly experts: Op;
  /** Brings a part of a guess for the next layer in beside them. */
  readonly stage: Op | null;
}

/**
 * Makes what runs the experts of a layer that are not all on the GPU.
 *
 * Where the router has decided which experts are missing and where they go, all
 * that is left is to run them. Else TypeScript decides: the routing of the layer is
 * read back, the cache says which experts are missing and where they go, and copies
 * are recorded beside ops that touch other buffers.
 *
 * @param parts What it works with.
 * @param options The layer, among those that are offloaded, and its experts where
 * the router decides; `null` if it never does. Whether what it guesses is staged.
 * @returns The runner.
 */
export function offloadedRunner(
  parts: OffloadParts,
  { layer, decided, staging }: {
    layer: number;
    decided: DecidedExperts | null;
    staging: PrefetchSwitch | null;
  },
): ExpertRunner {
  return {
    run(recorder, tokenCount, isDecided) {
      if (isDecided) {
        const { experts, stage } = decided!;
        // An op's workgroups fill the machine before those of a dispatch behind it.
        if (stage !== null && staging!.isOn) recorder.run(stage, tokenCount);
        return recorder.run(experts, tokenCount);
      }
      return tokenCount === 1
        ? decodeExperts(parts, recorder, layer)
        : prefillExperts(parts, recorder, { layer, tokenCount });
    },
  };
}
