/** Parts of guessed experts that come over the bus between two routers. */

import type { Gpu } from "../gpu/device.ts";
import {
  type PrefetchMode,
  PrefetchSwitch,
} from "../offload/prefetch_switch.ts";
import type { SlotBuffers } from "../offload/slot_buffers.ts";
import { planStage } from "../offload/stage_plan.ts";
import type { PoolPart } from "../ops/bound_experts.ts";
import type { ExpertLayout, ExpertScratch } from "../ops/expert_layout.ts";
import type { Routing } from "../ops/moe.ts";
import { makeRows, type Op, type Rows } from "../ops/op.ts";
import { padded } from "../ops/padded.ts";
import type { StagedCounts } from "../ops/residency.ts";
import type { ModelConfig } from "./config.ts";
import { type StagedParts, stagePart } from "../ops/stage.ts";
import { TURN_COUNT, turns } from "./turns.ts";

/**
 * Bytes that staging takes on the GPU, besides the staging slots.
 *
 * @param config What the model is.
 * @param sizes Bytes of an expert, and of what the link moves beside one op.
 * @returns The bytes.
 */
export function stagingByteLength(
  { numExpertsPerTok, intermediateSize }: ModelConfig,
  sizes: { expertByteLength: number; pieceByteLength: number },
): number {
  const hByteLength = numExpertsPerTok * padded(intermediateSize) * 4;
  return TURN_COUNT * (planStage(sizes).trunkCount * 16 + hByteLength);
}

/**
 * What routers stage, by the model's layers. The expert is the first guess
 * that has no slot; its beginning goes to a buffer beside the trunk, what follows to a
 * staging slot beside the experts of the layer before, if these miss nothing. A miss
 * reads from there what there is, and the rest over the bus.
 */
export interface Staging {
  /** Whether to prefetch. */
  readonly prefetch: PrefetchSwitch;
  /** How many vec4s the router of a layer has staged for the next one. */
  countsOf(layer: number): StagedCounts;
  /** Where a layer's missing experts may lie; `null` if nothing is staged for it. */
  partsOf(layer: number): StagedParts | null;
  /** Brings in an expert of this layer, beside its trunk. */
  besideTrunk(layer: number): Op | null;
  /** Brings in an expert of the next layer, before this one's experts. */
  besideExperts(layer: number): Op | null;
  /** Where the experts of a layer work for one token. */
  scratchOf(layer: number): ExpertScratch;
}

/** Options for {@linkcode makeStaging}. */
export interface StagingOptions {
  /** How prefetching is decided. */
  readonly prefetch: PrefetchMode;
  /** Bytes of what the link moves beside one op. */
  readonly pieceByteLength: number;
  /** The model's layers that are offloaded, ascending. */
  readonly layers: readonly number[];
  /** The experts of each of them. */
  readonly pools: readonly (readonly PoolPart[])[];
  /** The staging slots: two of them lie idle while single tokens run. */
  readonly buffers: SlotBuffers;
  /** How an expert lies. */
  readonly layout: ExpertLayout;
  /** What experts read. */
  readonly x: Rows;
  /** The model's numbers. */
  readonly routing: Routing;
  /** Where experts work. */
  readonly scratch: ExpertScratch;
  /** What the router decided. */
  readonly uses: GPUBuffer;
}

/**
 * Makes buffers and copies.
 *
 * @param gpu The GPU.
 * @param options The experts, and what the model has for them.
 * @returns What is staged, and where.
 */
export async function makeStaging(
  gpu: Gpu,
  options: StagingOptions,
): Promise<Staging> {
  const { layers, pools, buffers, layout, x, uses, scratch } = options;
  const { topK } = options.routing;
  const expertByteLength = layout.wordCount * 4;
  const plan = planStage({ ...options, expertByteLength });
  // The experts of a layer read one while the other is filled for the next.
  const restCount = buffers.stagingSlotCount < 2 ? 0 : plan.expertsCount;
  const firsts = turns(() =>
    gpu.storageBuffer("staged beside the trunk", plan.trunkCount * 16)
  );
  const scratches = turns((i) => ({
    ...scratch,
    h: makeRows(gpu, `expert h, turn ${i}`, [topK, scratch.h.stride]),
  }));
  const restOf = (layer: number) =>
    restCount === 0
      ? firsts[layer % TURN_COUNT]!
      : buffers.places[buffers.ofStaging(layer % 2)]!.buffer;
  const isGuessed = (layer: number) => layer > 0 && layers.includes(layer);
  // Experts that are all on the GPU have an h that others had, and would wait.
  const hasRest = (layer: number) =>
    isGuessed(layer) && layers.includes(layer - 1);
  const partsOf = (layer: number): StagedParts | null =>
    isGuessed(layer)
      ? {
        first: { buffer: firsts[layer % TURN_COUNT]!, count: plan.trunkCount },
        rest: {
          buffer: restOf(layer),
          count: hasRest(layer) ? restCount : 0,
        },
      }
      : null;
  const trunkOps = new Map<number, Op>();
  const expertsOps = new Map<number, Op>();
  for (const [i, layer] of layers.entries()) {
    const parts = partsOf(layer);
    if (parts === null) continue;
    const common = { layout, topK, pool: pools[i]!, uses };
    const { first, rest } = parts;
    trunkOps.set(
      layer,
      await stagePart(gpu, { ...common, part: first, first: 0, before: [] }),
    );
    if (rest.count === 0) continue;
    const previous = partsOf(layer - 1);
    const before = previous === null
      ? [x.buffer]
      : [x.buffer, previous.first.buffer, previous.rest.buffer];
    expertsOps.set(
      layer - 1,
      await stagePart(gpu, {
        ...common,
        part: rest,
        first: first.count,
        before,
      }),
    );
  }
  return {
    prefetch: new PrefetchSwitch(options.prefetch),
    countsOf(layer) {
      const parts = partsOf(layer + 1);
      const least = parts?.first.count ?? 0;
      return { least, most: least + (parts?.rest.count ?? 0) };
    },
    partsOf,
    besideTrunk: (layer) => trunkOps.get(layer) ?? null,
    besideExperts: (layer) => expertsOps.get(layer) ?? null,
    scratchOf: (layer) => scratches[layer % TURN_COUNT]!,
  };
}
