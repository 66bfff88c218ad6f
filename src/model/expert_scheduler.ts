/** Experts beyond VRAM: which to load when, beside what. */

import { decodeExperts } from "./expert_decode.ts";
import { prefillExperts } from "./expert_prefill.ts";
import type { ExpertRunner } from "./expert_runner.ts";
import type { SchedulerParts } from "./scheduler_parts.ts";

/**
 * Makes what runs the experts of a layer that are not all on the GPU.
 *
 * TypeScript decides: the routing of the layer is read back, the cache says which
 * experts are missing and where they go, and copies are recorded beside ops that
 * touch other buffers.
 *
 * @param parts What it works with.
 * @param layer The layer, among those that are offloaded.
 * @returns The runner.
 */
export function offloadedRunner(
  parts: SchedulerParts,
  layer: number,
): ExpertRunner {
  return {
    run: (recorder, tokenCount) =>
      tokenCount === 1
        ? decodeExperts(parts, recorder, layer)
        : prefillExperts(parts, recorder, { layer, tokenCount }),
  };
}
