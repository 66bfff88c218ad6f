/** What stands in the way of a plan, in sentences. */

import { formatByteLength } from "../../io/byte_length.ts";
import type { GpuFacts } from "../gpu_facts.ts";
import type { Planned } from "./planned.ts";

/** What a plan meets. */
export interface NoticesInput {
  /** What is known of the GPU's memory. */
  readonly gpuFacts: GpuFacts;
  /** Bytes of RAM that programs could take. */
  readonly ramByteLength: number;
  /** Why speeds could not be measured; `null` if they could, or nobody tried. */
  readonly failure: string | null;
}

/**
 * Says what stands in the way of a plan.
 *
 * @param planned The plan, and what the adapter cannot bind.
 * @param input The machine.
 * @returns Sentences without periods; none if nothing does.
 */
export function noticesOf(
  { plan, obstacle }: Pick<Planned, "plan" | "obstacle">,
  { gpuFacts, ramByteLength, failure }: NoticesInput,
): string[] {
  const notices: string[] = [];
  if (obstacle !== null) {
    notices.push(`This model will not load: ${obstacle}`);
  }
  const { freeVramByteLength: free, source } = gpuFacts;
  if (free !== null && plan.vramByteLength > free) {
    notices.push(
      `The plan takes ${formatByteLength(plan.vramByteLength)} of VRAM, and ${
        formatByteLength(free)
      } are free (${source}); a smaller --vram or fewer --slots take less`,
    );
  }
  if (plan.ramByteLength > ramByteLength) {
    notices.push(
      `The plan takes ${formatByteLength(plan.ramByteLength)} of RAM, and ${
        formatByteLength(ramByteLength)
      } are available; with a smaller --ram the rest stays on disk`,
    );
  }
  if (failure !== null && obstacle === null) {
    notices.push(`Speeds could not be measured: ${failure}`);
  }
  return notices;
}
