import { formatByteLength } from "../io/byte_length.ts";
import {
  planResidency,
  type ResidencyMode,
  type ResidencyWish,
} from "./plan_residency.ts";
import { planStores, type StoreKind, type StorePart } from "./plan_stores.ts";
import {
  fixedByteLength,
  type ModelSizes,
  slotsByteLength,
} from "./model_sizes.ts";
import { planSlots, type SlotsPlanOptions } from "./plan_slots.ts";

/** What the adapter grants. */
export interface AdapterGrants {
  /** The limit `maxBufferSize`. */
  maxBufferSize: number;
  /** The limit `maxStorageBufferBindingSize`. */
  maxStorageBufferBindingSize: number;
  /** The limit `maxStorageBuffersPerShaderStage`. */
  maxStorageBuffersPerShaderStage: number;
  /**
   * Pinned memory for the host pool: 0 if there is none, Infinity if how much
   * is not known before it is allocated.
   */
  pinnedByteLength: number;
}

/** Options for {@linkcode planPlacement}. */
export interface PlacementOptions extends SlotsPlanOptions {
  /** What the adapter grants. */
  adapter: AdapterGrants;
  /**
   * The RAM that may be used for experts.
   *
   * @default {undefined} as much as it takes
   */
  ramByteLength?: number | undefined;
  /**
   * Where experts are kept off the GPU.
   *
   * @default {"auto"}
   */
  store?: StoreKind | "auto" | undefined;
  /**
   * Who decides, while decoding, which experts come and go.
   *
   * @default {"auto"}
   */
  residency?: ResidencyWish | undefined;
}

/** What goes where. */
export interface Plan {
  /** Slots of each layer: (layerCount) */
  readonly slots: readonly number[];
  /** The layers with a slot for every expert: they need no store. */
  readonly residentLayers: readonly number[];
  /** Slots of all layers together. */
  readonly slotCount: number;
  /** Staging slots beside them; none if every layer is resident. */
  readonly stagingSlotCount: number;
  /** The stores in use, the fastest first; the first gets the first experts. */
  readonly stores: readonly StorePart[];
  /** Who decides, while decoding, which experts come and go. */
  readonly residency: ResidencyMode;
  /** Bytes of an expert, and so of a staging slot. */
  readonly expertByteLength: number;
  /** Bytes of all slots. */
  readonly slotsByteLength: number;
  /** Bytes of the weights that are no experts. */
  readonly trunkByteLength: number;
  /** Bytes of the KV cache. */
  readonly kvByteLength: number;
  /** Bytes of everything else on the GPU. */
  readonly scratchByteLength: number;
  /** Bytes on the GPU, all together. */
  readonly vramByteLength: number;
  /** Bytes of RAM for experts. */
  readonly ramByteLength: number;
  /** A sentence for each choice. */
  readonly reasons: readonly string[];
}

/**
 * Plans which part of a model goes where. It is arithmetic: it asks no GPU and
 * allocates nothing.
 *
 * @param sizes What the model takes.
 * @param options Budgets, wishes and what the adapter grants.
 * @returns The plan.
 * @throws {RangeError} If wishes contradict each other or the model, or if
 * something does not fit.
 */
export function planPlacement(
  sizes: ModelSizes,
  options: PlacementOptions,
): Plan {
  checkBudgets(options);
  checkExpertBuffer(sizes, options.adapter);
  const { layerCount, expertCount, expertByteLength } = sizes;
  // Only where the GPU decides are there banks and a table.
  const byHost: ModelSizes = {
    ...sizes,
    slotByteLength: expertByteLength,
    residencyByteLength: 0,
  };
  const { slots, stagingSlotCount, reasons } = planSlots(
    options.residency === "cpu" ? byHost : sizes,
    options,
  );
  const residentLayers = [...slots.keys()]
    .filter((layer) => slots[layer] === expertCount);
  const offGpu = (layerCount - residentLayers.length) * expertCount;
  const host = planStores(offGpu, {
    expertByteLength,
    store: options.store ?? "auto",
    ramByteLength: options.ramByteLength,
    pinnedByteLength: options.adapter.pinnedByteLength,
    readBufferCount: stagingSlotCount,
  });
  const decided = planResidency({
    wish: options.residency ?? "auto",
    stores: host.stores,
    offloadedLayerCount: layerCount - residentLayers.length,
    maxStorageBuffersPerShaderStage:
      options.adapter.maxStorageBuffersPerShaderStage,
  });
  const slotCount = sum(slots);
  const isDecided = decided.residency === "gpu" && offGpu > 0;
  const actual = isDecided ? sizes : byHost;
  const slotBytes = slotsByteLength(actual, slots);
  const { trunkByteLength, kvByteLength, scratchByteLength } = sizes;
  return {
    slots,
    residentLayers,
    slotCount,
    stagingSlotCount,
    stores: host.stores,
    residency: decided.residency,
    expertByteLength,
    slotsByteLength: slotBytes,
    trunkByteLength,
    kvByteLength,
    scratchByteLength: scratchByteLength + (actual.residencyByteLength ?? 0),
    vramByteLength: fixedByteLength(actual) + slotBytes +
      stagingSlotCount * expertByteLength,
    ramByteLength: sum(host.stores.map((store) => store.ramByteLength)),
    reasons: [...reasons, ...host.reasons, ...decided.reasons],
  };
}

function checkBudgets(options: PlacementOptions): void {
  for (const name of ["vramByteLength", "ramByteLength"] as const) {
    const value = options[name];
    if (value === undefined || (Number.isFinite(value) && value > 0)) continue;
    throw new RangeError(
      `Cannot plan: ${name} is ${value}, wanted a number of bytes above 0`,
    );
  }
}

function checkExpertBuffer(sizes: ModelSizes, adapter: AdapterGrants): void {
  const size = sizes.expertBufferByteLength ?? sizes.expertByteLength;
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter;
  const most = Math.min(maxBufferSize, maxStorageBufferBindingSize);
  if (size <= most) return;
  throw new RangeError(
    `Cannot plan: an expert takes a buffer of ${
      formatByteLength(size)
    }, wanted at most ${
      formatByteLength(most)
    }, which is what the adapter binds; use experts of fewer bits`,
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
