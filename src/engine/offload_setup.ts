/** From load options to a plan, and from the plan to a store. */

import type { Gpu } from "../gpu/device.ts";
import type { ModelConfig } from "../model/config.ts";
import { residencyByteLength } from "../model/residency_words.ts";
import { kvByteLength, scratchByteLength } from "../model/mixtral_buffers.ts";
import type { OffloadOptions } from "../model/offload.ts";
import { stagingByteLength } from "../model/staging.ts";
import { trunkByteLength } from "../model/trunk_byte_length.ts";
import {
  expertReadLimit,
  readExpert,
  readExpertLayout,
} from "../model/upload.ts";
import type { MatrixReader } from "../model/weight_reader.ts";
import { createArrayStore } from "../offload/array_store.ts";
import { createDiskStore } from "../offload/disk_store.ts";
import type { FilledStoreOptions } from "../offload/expert_fill.ts";
import {
  combineStores,
  type ExpertRange,
  type HostStore,
} from "../offload/host_store.ts";
import type { ModelSizes } from "../offload/model_sizes.ts";
import type { PrefetchMode } from "../offload/prefetch_switch.ts";
import { grantedResidency } from "../offload/plan_residency.ts";
import { createPinnedStore } from "../offload/pinned_store.ts";
import { type Plan, planPlacement } from "../offload/placement.ts";
import { bankSlotByteLength } from "../offload/slot_banks.ts";
import type { LoadOptions } from "./load_options.ts";

/** What is known of a model before it is loaded. */
export interface OffloadInput {
  /** What the model is. */
  readonly config: ModelConfig;
  /** Its weights. */
  readonly reader: MatrixReader;
  /** How to load it, checked. */
  readonly options: LoadOptions;
  /** Positions of the KV cache. */
  readonly contextLength: number;
  /** The most tokens of one step. */
  readonly chunkSize: number;
}

/** Makes a host store, or gives one that is there already. */
export type StoreOf = (
  plan: Plan,
  make: () => Promise<HostStore>,
) => Promise<HostStore>;

/** What a link moves in 10 µs, about as long as an op takes: 50 GB/s. */
const PIECE_BYTE_LENGTH = 512 * 1024;

/**
 * Plans what of a model goes where.
 *
 * @param gpu The GPU.
 * @param input The model, and how to load it.
 * @returns The plan.
 * @throws {RangeError} If it does not fit, or wishes contradict each other.
 */
export function planModel(gpu: Gpu, input: OffloadInput): Plan {
  const { options } = input;
  return planPlacement(modelSizes(gpu, input), {
    slots: options.slots,
    offloadPerLayer: options.offloadPerLayer,
    mainSize: options.mainSize,
    offloadSize: options.offloadSize,
    bufferSize: options.bufferSize,
    vramByteLength: options.vramByteLength,
    ramByteLength: options.ramByteLength,
    store: options.store,
    residency: options.residency,
    adapter: {
      maxBufferSize: gpu.device.limits.maxBufferSize,
      maxStorageBufferBindingSize:
        gpu.device.limits.maxStorageBufferBindingSize,
      maxStorageBuffersPerShaderStage:
        gpu.device.limits.maxStorageBuffersPerShaderStage,
      pinnedByteLength: gpu.canPin ? Infinity : 0,
    },
  });
}

/** Bytes of each part of a model, on the GPU. */
function modelSizes(
  gpu: Gpu,
  { config, reader, options, contextLength, chunkSize }: OffloadInput,
): ModelSizes {
  const expertByteLength = readExpertLayout(reader, config).wordCount * 4;
  return {
    layerCount: config.numHiddenLayers,
    expertCount: config.numLocalExperts,
    topK: config.numExpertsPerTok,
    expertByteLength,
    slotByteLength: bankSlotByteLength(expertByteLength),
    trunkByteLength: trunkByteLength(reader, config),
    kvByteLength: kvByteLength(config, contextLength),
    residencyByteLength: residencyByteLength(config) +
      (prefetchOf(gpu, options) === "off" ? 0 : stagingByteLength(config, {
        expertByteLength,
        pieceByteLength: PIECE_BYTE_LENGTH,
      })),
    scratchByteLength: scratchByteLength(config, { contextLength, chunkSize }),
  };
}

/** Options for {@linkcode setUpOffload}. */
export interface OffloadSetupInput extends OffloadInput {
  /** Who keeps host stores; without it each model makes and frees its own. */
  readonly storeOf?: StoreOf | undefined;
  /**
   * Whether to return before the store is full.
   *
   * @default {false}
   */
  readonly isBackground?: boolean;
  /** Hears how many experts are there. */
  readonly onExperts?: LoadOptions["onProgress"] | undefined;
}

/**
 * Makes the host store of a plan and says how its experts are run.
 *
 * @param gpu The GPU.
 * @param plan The plan.
 * @param input The model, how to load it, and who keeps stores, if anybody does.
 * @returns How experts are offloaded; `null` if all are on the GPU.
 * @throws {Error} If the store cannot be filled.
 */
export async function setUpOffload(
  gpu: Gpu,
  plan: Plan,
  input: OffloadSetupInput,
): Promise<OffloadOptions | null> {
  const { options, config } = input;
  const resident = new Set(plan.residentLayers);
  const layers = [...plan.slots.keys()].filter((layer) => !resident.has(layer));
  if (layers.length === 0) return null;
  const make = () => makeStore(gpu, { plan, layers, input });
  const store = await (input.storeOf?.(plan, make) ?? make());
  return {
    layers,
    slots: layers.map((layer) => plan.slots[layer]!),
    stagingSlotCount: plan.stagingSlotCount,
    store,
    policy: options.policy ?? "lru",
    residency: grantedResidency(plan, store.buffers),
    prefetch: prefetchOf(gpu, options),
    prefetchExperts: Math.min(
      options.prefetchExperts ?? config.numExpertsPerTok,
      config.numLocalExperts,
    ),
    pieceByteLength: PIECE_BYTE_LENGTH,
    onRouting: options.onRouting,
  };
}

/** On the CPU a copy takes time from what it is meant to run beside. */
function prefetchOf(
  gpu: Gpu,
  { prefetch = "auto" }: LoadOptions,
): PrefetchMode {
  return gpu.isSoftware && prefetch === "auto" ? "off" : prefetch;
}

/** The stores of a plan, the fastest with the first experts. */
async function makeStore(
  gpu: Gpu,
  { plan, layers, input }: {
    plan: Plan;
    layers: readonly number[];
    input: OffloadSetupInput;
  },
): Promise<HostStore> {
  const { expertByteLength } = plan;
  const shape = storeShape({ plan, layers, input });
  const parts: { range: ExpertRange; store: HostStore }[] = [];
  let first = 0;
  const add = (store: HostStore, count: number) => {
    parts.push({ range: { first, count }, store });
    first += count;
  };
  try {
    for (const { kind, expertCount, ramExpertCount } of plan.stores) {
      const end = first + expertCount;
      if (kind === "pinned") {
        const store = await createPinnedStore(gpu, {
          ...shape,
          range: { first, count: expertCount },
          isPartial: input.options.store !== "pinned",
          onPinned: (doneByteLength) =>
            input.options.onProgress?.({
              what: "pinning memory",
              done: doneByteLength / expertByteLength,
              total: expertCount,
              doneByteLength,
              totalByteLength: expertCount * expertByteLength,
            }),
        });
        add(store, store.expertCount);
        if (store.expertCount < expertCount) {
          input.options.onNotice?.(
            `The system pins memory for ${store.expertCount} of ${expertCount} experts: the others are in ordinary memory`,
          );
        }
      }
      const count = end - first; // what the pool does not hold
      if (kind === "disk") {
        add(createDiskStore({ ...shape, keptCount: ramExpertCount }), count);
      } else if (count > 0) {
        const range = { first, count };
        add(await createArrayStore({ ...shape, range }), count);
      }
    }
  } catch (error) {
    for (const { store } of parts) store[Symbol.dispose]();
    throw error;
  }
  return combineStores(parts, shape);
}

/** What all stores of a model have in common. */
function storeShape({ plan, layers, input }: {
  plan: Plan;
  layers: readonly number[];
  input: OffloadSetupInput;
}): Omit<FilledStoreOptions, "range"> {
  const { config, reader, isBackground, onExperts } = input;
  const layout = readExpertLayout(reader, config);
  const { expertByteLength, stores } = plan;
  const total = stores
    .reduce(
      (sum, { kind, expertCount }) => sum + (kind === "disk" ? 0 : expertCount),
      0,
    );
  let done = 0;
  const report = () =>
    onExperts?.({
      what: "loading experts",
      done,
      total,
      doneByteLength: done * expertByteLength,
      totalByteLength: total * expertByteLength,
    });
  report();
  return {
    layerCount: layers.length,
    expertCount: config.numLocalExperts,
    expertByteLength,
    isBackground,
    readLimit: expertReadLimit(reader),
    readExpert: ({ layer, expert }, bytes) =>
      readExpert(reader, layout, {
        id: { layer: layers[layer]!, expert },
        bytes,
      }),
    onExpert() {
      done++;
      report();
    },
  };
}
