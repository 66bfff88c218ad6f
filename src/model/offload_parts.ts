/** What decode and prefill of offloaded experts share. */

import type { Recorder } from "../gpu/recorder.ts";
import type { ExpertCache } from "../offload/expert_cache.ts";
import type { ExpertWatch } from "../offload/expert_watch.ts";
import type { ExpertId } from "../offload/host_store.ts";
import type { ByteCause, OffloadStats } from "../offload/offload_stats.ts";
import type { PrefetchSwitch } from "../offload/prefetch_switch.ts";
import type { SlotBuffers } from "../offload/slot_buffers.ts";
import type { Routing } from "../ops/moe.ts";
import type { Op } from "../ops/op.ts";
import type { SlotExpert } from "../ops/slot_expert.ts";
import type { ExpertLoader } from "./expert_loader.ts";
import type { FarGuesses } from "./far_guesses.ts";
import type { Prefetcher } from "./prefetcher.ts";
import {
  readRouting,
  type RoutingListener,
  type RoutingRecord,
} from "./routing_reader.ts";

/** What runs offloaded experts where the host decides, made at load. */
export interface OffloadParts {
  /** The cache of each offloaded layer. */
  readonly caches: readonly ExpertCache[];
  /** Slots and staging slots. */
  readonly slots: SlotBuffers;
  /** What each place's expert can be asked for, by the place's number. */
  readonly experts: readonly SlotExpert[];
  /** Brings experts in. */
  readonly loader: ExpertLoader;
  /** Stages guesses. */
  readonly prefetcher: Prefetcher;
  /** The routing, as the GPU computes it. */
  readonly routing: Routing;
  /** Lists the rows of each expert, for many tokens. */
  readonly groupRows: Op;
  /** Counts what happens, by the model's layers. */
  readonly stats: OffloadStats;
  /** The model's layer of each offloaded layer. */
  readonly layers: readonly number[];
  /** Layers of the model. */
  readonly layerCount: number;
  /** Whether to prefetch. */
  readonly prefetch: PrefetchSwitch;
  /** Bytes of an expert. */
  readonly expertByteLength: number;
  /** Hears of the routing. */
  readonly onRouting?: RoutingListener | undefined;
  /** Guesses about layers farther than the next; `null` if there are none. */
  readonly far: FarGuesses | null;
  /** Hears what experts do. */
  readonly watch: ExpertWatch;
}

/**
 * Submits what was recorded, and reads the routing of a layer.
 *
 * @param parts What runs offloaded experts.
 * @param recorder The commands of the step, the router's last.
 * @param options The layer, among those that are offloaded, and the tokens.
 * @returns The routing.
 */
export async function readLayer(
  parts: OffloadParts,
  recorder: Recorder,
  { layer, tokenCount }: { layer: number; tokenCount: number },
): Promise<RoutingRecord> {
  const { routing, prefetcher, layers, layerCount, onRouting, far } = parts;
  // The last layer guesses nothing; what follows its ids is another's guess.
  const isLast = layers[layer] === layerCount - 1;
  const record = await readRouting(recorder, routing, {
    tokenCount,
    guessCount: isLast ? 0 : prefetcher.guessCount,
    withWeights: onRouting !== undefined,
    far: far?.slicesOf(layers[layer]!),
  });
  onRouting?.(layers[layer]!, record);
  return record;
}

/**
 * Moves an expert that is not pinned through ordinary memory, while the GPU does
 * what was recorded before.
 *
 * @param parts What runs offloaded experts.
 * @param recorder The commands of the step.
 * @param options The expert, of a layer among those that are offloaded, and the
 * number of the place to fill.
 */
export async function uploadExpert(
  { loader, stats }: OffloadParts,
  recorder: Recorder,
  { id, to }: { id: ExpertId; to: number },
): Promise<void> {
  recorder.submit(); // `upload` would too, but that is no staging
  const start = performance.now();
  await loader.upload(recorder, id, to);
  stats.countTime("stage", performance.now() - start);
}

/**
 * Finds the expert in a slot.
 *
 * @param parts What runs offloaded experts.
 * @param layer The layer, among those that are offloaded.
 * @param slot The slot.
 * @returns What it can be asked for.
 */
export function expertIn(
  { experts, slots }: OffloadParts,
  layer: number,
  slot: number,
): SlotExpert {
  return experts[slots.ofSlot(layer, slot)]!;
}

/**
 * Counts a share of an expert's bytes as moved.
 *
 * @param parts What runs offloaded experts.
 * @param layer The layer, among those that are offloaded.
 * @param options Why, and what share.
 */
export function countShare(
  { stats, layers, expertByteLength }: OffloadParts,
  layer: number,
  { cause, share }: { cause: ByteCause; share: number },
): void {
  const byteLength = share * expertByteLength;
  stats.countBytes(layers[layer]!, { cause, byteLength });
}
