/** Every number of slots that a layer can have, and what it comes to. */

import type { Gpu } from "../../gpu/device.ts";
import { DEFAULT_VRAM_BYTE_LENGTH } from "../../offload/plan_slots.ts";
import type { GpuFacts } from "../gpu_facts.ts";
import type { LoadOptions } from "../load_options.ts";
import type { ModelSource } from "../model_source.ts";
import type { Estimate } from "./estimate.ts";
import { NO_SLOTS } from "../no_slots.ts";
import { planLoad, type Planned } from "./planned.ts";

/** What placements and changes are judged with. */
export interface Judging {
  /** The GPU. */
  readonly gpu: Gpu;
  /** The model. */
  readonly source: ModelSource;
  /** How it is to be loaded. */
  readonly options: LoadOptions;
  /** What is known of the GPU's memory. */
  readonly gpuFacts: GpuFacts;
  /** Bytes of RAM that programs could take. */
  readonly ramByteLength: number;
  /** Says how a load will do. */
  readonly judge: (planned: Planned) => Promise<Estimate>;
}

/** A placement with the same number of slots in all layers. */
export interface Placement extends Estimate {
  /** Slots of each layer. */
  readonly slots: number;
  /** Bytes on the GPU. */
  readonly vramByteLength: number;
  /** Bytes of RAM for experts. */
  readonly ramByteLength: number;
  /** Whether the VRAM budget holds it, and the adapter can bind it. */
  readonly fits: boolean;
  /** Whether it is what is planned. */
  readonly isPlanned: boolean;
}

/**
 * Plans and judges the model with every number of slots, all else as asked for.
 *
 * @param planned What is planned.
 * @param judging The model, and how to load and judge it.
 * @returns The placements, the fewest slots first; those left out for which the
 * RAM does not suffice.
 */
export async function placementsOf(
  planned: Planned,
  { gpu, source, options, gpuFacts, judge }: Judging,
): Promise<Placement[]> {
  const { numExpertsPerTok, numLocalExperts } = source.config;
  const budget = vramBudget(planned, { options, gpuFacts });
  const placements: Placement[] = [];
  for (let slots = numExpertsPerTok; slots <= numLocalExperts; slots++) {
    const like = tryPlan(gpu, source, {
      ...options,
      ...NO_SLOTS,
      slots,
      vramByteLength: undefined,
    });
    if (like === null) continue;
    const { vramByteLength, ramByteLength } = like.plan;
    placements.push({
      slots,
      vramByteLength,
      ramByteLength,
      fits: vramByteLength <= budget && like.obstacle === null,
      isPlanned: planned.plan.slots.every((count) => count === slots),
      ...await judge(like),
    });
  }
  return placements;
}

/**
 * Plans a load that may not be possible.
 *
 * @param gpu The GPU.
 * @param source The model.
 * @param options How to load it.
 * @returns What it comes to; `null` if it does not fit.
 */
export function tryPlan(
  gpu: Gpu,
  source: ModelSource,
  options: LoadOptions,
): Planned | null {
  try {
    return planLoad(gpu, source, options);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/**
 * How much VRAM placements are measured against.
 *
 * @param plan What is planned.
 * @param judging How the model is to be loaded, and what is known of the GPU.
 * @returns Bytes: what is asked for, else what is free, else as much as is planned
 * for where nobody says, or what the plan takes.
 */
export function vramBudget(
  { plan }: Pick<Planned, "plan">,
  { options, gpuFacts }: Pick<Judging, "options" | "gpuFacts">,
): number {
  return options.vramByteLength ?? gpuFacts.freeVramByteLength ??
    Math.max(DEFAULT_VRAM_BYTE_LENGTH, plan.vramByteLength);
}
