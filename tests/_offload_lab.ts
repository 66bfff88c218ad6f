/** Models whose experts are offloaded in every way, on one device. */

import { Gpu } from "../src/gpu/device.ts";
import { Checkpoint } from "../src/io/checkpoint.ts";
import { readJson } from "../src/io/json_file.ts";
import { type ModelConfig, parseConfig } from "../src/model/config.ts";
import { Mixtral } from "../src/model/mixtral.ts";
import type { RoutingListener } from "../src/model/routing_reader.ts";
import {
  readExpert,
  readExpertLayout,
  uploadWeights,
  type Weights,
} from "../src/model/upload.ts";
import { WeightReader } from "../src/model/weight_reader.ts";
import { readQuantizationFiles } from "../src/engine/stored_quantization.ts";
import { readStoredLayout } from "../src/model/read_stored_layout.ts";
import { createArrayStore } from "../src/offload/array_store.ts";
import { createDiskStore } from "../src/offload/disk_store.ts";
import type { PolicyName } from "../src/offload/eviction.ts";
import {
  combineStores,
  type ExpertId,
  type HostStore,
} from "../src/offload/host_store.ts";
import { createPinnedStore } from "../src/offload/pinned_store.ts";
import type { StoreKind } from "../src/offload/plan_stores.ts";
import { bankSlotByteLength } from "../src/offload/slot_banks.ts";
import type { PrefetchMode } from "../src/offload/prefetch_switch.ts";
import { settle } from "./_gpu.ts";
import { shareGpu } from "./_shared_gpu.ts";

shareGpu();

/** Positions of the KV cache of every model here. */
export const CONTEXT_LENGTH = 192;

/** A way to offload. */
export interface Way {
  /** Slots of each layer of the model. */
  readonly slots: readonly number[];
  /** The stores in use; the experts are shared out evenly. */
  readonly stores: readonly StoreKind[];
  readonly policy: PolicyName;
  readonly prefetch: PrefetchMode;
  readonly prefetchExperts: number;
  readonly stagingSlotCount: number;
  readonly chunkSize: number;
  /** How many pieces a prefetch of an expert takes, at least. */
  readonly pieceCount: number;
  /** Who decides for single tokens; for the GPU all experts are pinned. */
  readonly residency: "cpu" | "gpu";
  /** The most slots of a buffer then; without it, what the GPU binds. */
  readonly bankSlotLimit?: number;
  readonly onRouting?: RoutingListener;
  /**
   * What every expert waits for before it is read. If there is one, stores are
   * filled while the model runs.
   */
  readonly arrival?: (id: ExpertId) => Promise<void>;
}

/** What tests change one field of. */
export const WAY: Omit<Way, "slots"> = {
  stores: ["pinned"],
  policy: "lru",
  prefetch: "off",
  prefetchExperts: 2,
  stagingSlotCount: 2,
  chunkSize: 16,
  pieceCount: 3,
  residency: "cpu",
};

/** A checkpoint, its weights on a device, and models that share them. */
export class OffloadLab implements Disposable {
  readonly gpu: Gpu;
  readonly config: ModelConfig;
  /** Bytes of an expert. */
  readonly expertByteLength: number;
  readonly #weights: Weights;
  readonly #reader: WeightReader;
  readonly #owned: Disposable;

  private constructor(
    gpu: Gpu,
    { weights, reader, owned }: {
      weights: Weights;
      reader: WeightReader;
      owned: Disposable;
    },
  ) {
    this.gpu = gpu;
    this.config = weights.config;
    this.expertByteLength = weights.expertLayout.wordCount * 4;
    this.#weights = weights;
    this.#reader = reader;
    this.#owned = owned;
  }

  /** Opens a checkpoint. */
  static async open(directory: string): Promise<OffloadLab> {
    using owned = new DisposableStack();
    const path = `${directory}/config.json`;
    const json = await readJson(path);
    const config = parseConfig(json, path);
    const checkpoint = owned.use(await Checkpoint.open(directory));
    const files = await readQuantizationFiles(directory, json);
    const stored = await readStoredLayout(checkpoint, config, files);
    const reader = new WeightReader(checkpoint, {
      stored,
      wanted: stored,
    });
    const gpu = owned.use(await Gpu.open());
    const weights = await uploadWeights(gpu, config, {
      reader,
      isResident: () => true,
    });
    return new OffloadLab(gpu, { weights, reader, owned: owned.move() });
  }

  /** A model whose experts are all on the GPU. */
  resident(
    chunkSize: number,
    options: { onRouting?: RoutingListener; isWatchable?: boolean } = {},
  ): Promise<Mixtral> {
    return Mixtral.create(this.gpu, this.#weights, {
      contextLength: CONTEXT_LENGTH,
      chunkSize,
      offload: null,
      ...options,
    });
  }

  /** A model that offloads; `wrap` may stand between it and its store. */
  async offloaded(
    way: Way,
    wrap: (store: HostStore) => HostStore = (store) => store,
  ): Promise<Mixtral> {
    const { numLocalExperts } = this.config;
    const layers = [...way.slots.keys()]
      .filter((layer) => way.slots[layer]! < numLocalExperts);
    if (layers.length === 0) return await this.resident(way.chunkSize);
    const store = wrap(await this.makeStore(layers, way));
    const weights = {
      ...this.#weights,
      layers: this.#weights.layers.map((layer, i) => ({
        ...layer,
        experts: layers.includes(i) ? null : layer.experts,
      })),
    };
    return await Mixtral.create(this.gpu, weights, {
      contextLength: CONTEXT_LENGTH,
      chunkSize: way.chunkSize,
      onRouting: way.onRouting,
      offload: {
        layers,
        slots: layers.map((layer) => way.slots[layer]!),
        stagingSlotCount: way.stagingSlotCount,
        store,
        policy: way.policy,
        prefetch: way.prefetch,
        prefetchExperts: way.prefetchExperts,
        onRouting: way.onRouting,
        residency: way.residency,
        bankByteLimit: way.bankSlotLimit &&
          way.bankSlotLimit * bankSlotByteLength(this.expertByteLength),
        pieceByteLength: 16 *
          Math.ceil(this.expertByteLength / way.pieceCount / 16),
      },
    });
  }

  /** The experts of some layers, in equal parts in some stores. */
  async makeStore(
    layers: readonly number[],
    { stores: kinds, arrival }: Pick<Way, "stores" | "arrival">,
  ): Promise<HostStore> {
    const { numLocalExperts } = this.config;
    const shape = {
      layerCount: layers.length,
      expertCount: numLocalExperts,
      expertByteLength: this.expertByteLength,
      isBackground: arrival !== undefined,
      readExpert: async (id: ExpertId, bytes: Uint8Array) => {
        await arrival?.(id);
        await this.#read({ ...id, layer: layers[id.layer]! }, bytes);
      },
    };
    const make = {
      "pinned": createPinnedStore.bind(null, this.gpu),
      "array-buffer": createArrayStore,
      "disk": (options: typeof shape) =>
        createDiskStore({ ...options, keptCount: 3 }),
    };
    const total = layers.length * numLocalExperts;
    const parts = [];
    for (const [i, kind] of kinds.entries()) {
      // Parts end in the middle of layers.
      const first = Math.round(i * total / kinds.length);
      const end = Math.round((i + 1) * total / kinds.length);
      const range = { first, count: end - first };
      parts.push({ range, store: await make[kind]({ ...shape, range }) });
    }
    return combineStores(parts, shape);
  }

  /** The bytes of an expert, from the checkpoint. */
  async readExpert(id: ExpertId): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(this.expertByteLength);
    await this.#read(id, bytes);
    return bytes;
  }

  #read(id: ExpertId, bytes: Uint8Array): Promise<void> {
    const layout = readExpertLayout(this.#reader, this.config);
    return readExpert(this.#reader, layout, { id, bytes });
  }

  [Symbol.dispose](): void {
    this.#owned[Symbol.dispose]();
  }
}

/** Opens a lab for a test, and fails on any GPU error. */
export async function withLab(
  directory: string,
  fn: (lab: OffloadLab) => Promise<void>,
): Promise<void> {
  try {
    using lab = await OffloadLab.open(directory);
    const { device } = lab.gpu;
    device.pushErrorScope("validation");
    await fn(lab);
    const error = await device.popErrorScope();
    if (error !== null) throw new Error(error.message);
  } finally {
    await settle();
  }
}
