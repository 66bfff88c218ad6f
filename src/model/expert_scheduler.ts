/** Experts beyond VRAM: which to load when, beside what. */

import type { Op } from "../ops/op.ts";
import { decodeExperts } from "./expert_decode.ts";
import { prefillExperts } from "./expert_prefill.ts";
import type { ExpertRunner } from "./expert_runner.ts";
import type { SchedulerParts } from "./scheduler_parts.ts";

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
 * the router decides; `null` if it never does.
 * @returns The runner.
 */
export function offloadedRunner(
  parts: SchedulerParts,
  { layer, decided }: { layer: number; decided: Op | null },
): ExpertRunner {
  return {
    run(recorder, tokenCount, isDecided) {
      if (isDecided) return recorder.run(decided!, tokenCount);
      return tokenCount === 1
        ? decodeExperts(parts, recorder, layer)
        : prefillExperts(parts, recorder, { layer, tokenCount });
    },
  };
}
