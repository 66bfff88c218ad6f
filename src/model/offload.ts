/** Sets up everything that runs experts beyond VRAM. */

import type { Gpu } from "../gpu/device.ts";
import type { PolicyName } from "../offload/eviction.ts";
import { ExpertCache } from "../offload/expert_cache.ts";
import type { ExpertWatch } from "../offload/expert_watch.ts";
import type { HostStore } from "../offload/host_store.ts";
import { GUESS_DEPTH, OffloadStats } from "../offload/offload_stats.ts";
import {
  type PrefetchMode,
  PrefetchSwitch,
} from "../offload/prefetch_switch.ts";
import type { ResidencyMode } from "../offload/plan_residency.ts";
import { SlotBuffers } from "../offload/slot_buffers.ts";
import { poolPartsOf } from "../offload/pool_parts.ts";
import { bankSlotByteLength } from "../offload/slot_banks.ts";
import { bankExperts } from "../ops/bank_experts.ts";
import type { ExpertLayout, ExpertScratch } from "../ops/expert_layout.ts";
import { groupRows } from "../ops/expert_matmul.ts";
import type { Routing } from "../ops/moe.ts";
import type { PoolPart } from "../ops/bound_experts.ts";
import { type Rows, withRole } from "../ops/op.ts";
import type { Residency } from "../ops/residency.ts";
import {
  makeExpertUses,
  type SlotExpert,
  slotExpert,
} from "../ops/slot_expert.ts";
import { ExpertLoader } from "./expert_loader.ts";
import type { ExpertRunner } from "./expert_runner.ts";
import { type DecidedExperts, offloadedRunner } from "./offloaded_runner.ts";
import type { FarGuesses } from "./far_guesses.ts";
import { Prefetcher } from "./prefetcher.ts";
import type { RoutingListener } from "./routing_reader.ts";
import type { OffloadParts } from "./offload_parts.ts";
import { makeStaging, type Staging } from "./staging.ts";

/** How experts are offloaded. */
export interface OffloadOptions {
  /** The model's layers whose experts are not all on the GPU, ascending. */
  readonly layers: readonly number[];
  /** Slots of each of them. */
  readonly slots: readonly number[];
  /** Staging slots. */
  readonly stagingSlotCount: number;
  /** Their experts, numbered as in `layers`. */
  readonly store: HostStore;
  /** Which expert to evict. */
  readonly policy: PolicyName;
  /** Who decides, while decoding, which experts come and go. */
  readonly residency: ResidencyMode;
  /** Whether to prefetch. */
  readonly prefetch: PrefetchMode;
  /** How many guessed experts to load. */
  readonly prefetchExperts: number;
  /** Bytes of a piece of a prefetch: what the link moves beside one op. */
  readonly pieceByteLength: number;
  /**
   * The most bytes of the slots in one buffer, where the GPU decides; for tests.
   *
   * @default {number} what the GPU binds
   */
  readonly bankByteLimit?: number | undefined;
  /** Hears of the routing of the offloaded layers. */
  readonly onRouting?: RoutingListener | undefined;
}

/** What the experts work on: the model's own buffers. */
export interface OffloadModel {
  /** How an expert lies in memory. */
  readonly layout: ExpertLayout;
  /** The rows of x (T, hiddenSize). */
  readonly x: Rows;
  /** Who goes where. */
  readonly routing: Routing;
  /** Room; the result is its `y`. */
  readonly scratch: ExpertScratch;
  /** The uniform of the step. */
  readonly step: GPUBuffer;
  /** Layers of the model. */
  readonly layerCount: number;
  /** Where routers decide; `null` if the host does. */
  readonly residency: Residency | null;
  /** Guesses about layers farther than the next; `null` if there are none. */
  readonly far: FarGuesses | null;
  /** Hears what experts do. */
  readonly watch: ExpertWatch;
}

/** Experts beyond VRAM, ready to run. */
export interface Offload extends Disposable {
  /** What was counted. */
  readonly stats: OffloadStats;
  /** What routers stage for the next layer; `null` if they never do. */
  readonly staging: Staging | null;
  /** How many experts the router is to guess for the next layer. */
  readonly guessCount: number;
  /** The caches, by offloaded layer, as the host last knew them. */
  readonly caches: readonly ExpertCache[];
  /** Slots and staging slots. */
  readonly slots: SlotBuffers;
  /** Whether the GPU can reach every expert by itself. */
  isPinned(): boolean;
  /** The runner of one of the model's layers. */
  runner(layer: number): ExpertRunner;
  /** Forgets what is staged, after a failure. */
  reset(): void;
}

/**
 * Makes slots, caches, copies and kernels.
 *
 * @param gpu The GPU.
 * @param options How experts are offloaded.
 * @param model The model's own buffers.
 * @returns What runs the experts.
 */
export async function offloadExperts(
  gpu: Gpu,
  options: OffloadOptions,
  model: OffloadModel,
): Promise<Offload> {
  const { layers, store, stagingSlotCount } = options;
  const { layout, routing, scratch, step, layerCount, residency } = model;
  const banks = residency !== null;
  const { expertCount } = routing;
  const expertByteLength = layout.wordCount * 4;
  const slots = new SlotBuffers(gpu, {
    slots: options.slots,
    stagingSlotCount,
    expertByteLength,
    banks,
    bankByteLimit: options.bankByteLimit,
  });
  const loader = await ExpertLoader.create(gpu, {
    store,
    slots,
    expertByteLength,
    pieceByteLength: options.pieceByteLength,
  });
  const caches = options.slots.map((slotCount) =>
    new ExpertCache(slotCount, { expertCount, policy: options.policy })
  );
  const uses = makeExpertUses(gpu, routing);
  const experts: SlotExpert[] = [];
  for (const buffer of slots.places) {
    experts.push(await slotExpert(gpu, { ...model, buffer, uses }));
  }
  const stats = new OffloadStats(layerCount);
  // The host could only swap buffers, which banks do not.
  const prefetch = new PrefetchSwitch(banks ? "off" : options.prefetch);
  const guessCount =
    options.prefetch !== "off" || options.onRouting !== undefined
      ? Math.min(expertCount, Math.max(GUESS_DEPTH, options.prefetchExperts))
      : 0;
  const prefetcher = new Prefetcher({
    loader,
    slots,
    caches,
    stats,
    layers,
    prefetch,
    expertCount: options.prefetchExperts,
    guessCount,
    expertByteLength,
  });
  const parts: OffloadParts = {
    caches,
    slots,
    experts,
    loader,
    prefetcher,
    prefetch,
    routing,
    stats,
    layers,
    layerCount,
    expertByteLength,
    groupRows: withRole(
      "experts",
      await groupRows(gpu, { routing, scratch, step }),
    ),
    onRouting: options.onRouting,
    far: model.far,
    watch: model.watch,
  };
  const { staging, decided } = residency === null
    ? HOST_DECIDES
    : await makeDecided(gpu, options, { ...model, residency, slots });
  return {
    stats,
    staging,
    guessCount,
    caches,
    slots,
    isPinned: () =>
      layers.every((_, layer) =>
        Array(expertCount).keys()
          .every((expert) => store.placeOf({ layer, expert }) !== null)
      ),
    runner: (layer) => {
      const i = layers.indexOf(layer);
      return offloadedRunner(parts, {
        layer: i,
        decided: decided[i] ?? null,
        staging: staging?.prefetch ?? null,
      });
    },
    reset: () => prefetcher.reset(),
    [Symbol.dispose]: () => loader[Symbol.dispose](),
  };
}

/** What runs where routers decide. */
interface Decided {
  /** What they stage for the next layer; `null` if they never do. */
  readonly staging: Staging | null;
  /** The experts of each offloaded layer. */
  readonly decided: readonly DecidedExperts[];
}

const HOST_DECIDES: Decided = { staging: null, decided: [] };

/** Makes what runs where routers decide: experts in banks, and copies beside them. */
async function makeDecided(
  gpu: Gpu,
  options: OffloadOptions,
  model: OffloadModel & { residency: Residency; slots: SlotBuffers },
): Promise<Decided> {
  const { layers, store } = options;
  const { layout, routing, scratch, slots, residency: { uses } } = model;
  const pools = layers.map((_, layer) =>
    poolOf(store, layer, routing.expertCount)
  );
  const staging = options.prefetch === "off" ? null : await makeStaging(gpu, {
    ...options,
    ...model,
    uses,
    pools,
    buffers: slots,
  });
  const decided: DecidedExperts[] = [];
  for (const [i, layer] of layers.entries()) {
    const experts = await bankExperts(gpu, {
      ...model,
      scratch: staging?.scratchOf(layer) ?? scratch,
      uses,
      banks: slots.banks[i]!,
      slotByteLength: bankSlotByteLength(layout.wordCount * 4),
      pool: pools[i]!,
      staged: staging?.partsOf(layer) ?? null,
    });
    decided.push({ experts, stage: staging?.besideExperts(layer) ?? null });
  }
  return { staging, decided };
}

/** Where the experts of a layer lie in buffers that the GPU reads. */
function poolOf(
  store: HostStore,
  layer: number,
  expertCount: number,
): PoolPart[] {
  const parts = poolPartsOf(store, layer, expertCount);
  if (parts === null) {
    throw new RangeError(
      `Cannot let the GPU decide on the experts of layer ${layer}: not all of them are pinned, wanted all; let the CPU decide`,
    );
  }
  return parts.map((part) => ({
    ...part,
    buffer: store.buffers[part.buffer]!,
  }));
}
