/** Where experts are when they are not in a slot. */

/** An expert of a layer. */
export interface ExpertId {
  /** The layer. */
  readonly layer: number;
  /** The expert within the layer. */
  readonly expert: number;
}

/** An expert that the GPU can copy from by itself. */
export interface PinnedPlace {
  /** The number of the buffer, among `HostStore.buffers`. */
  readonly buffer: number;
  /** The expert's number within the buffer. */
  readonly index: number;
}

/**
 * Holds all experts of a model off the GPU. An expert is a blob of a fixed
 * length, laid out as the kernels read it.
 */
export interface HostStore extends Disposable {
  /** Buffers in pinned memory, for what the GPU copies by itself. */
  readonly buffers: readonly GPUBuffer[];
  /**
   * Settles when it is full, or could not be filled. A failure that nobody awaits
   * here is no unhandled rejection: `read` throws it.
   *
   * @default {undefined} it is never filled
   */
  readonly filled?: Promise<unknown>;
  /**
   * Where the expert lies in pinned memory; `null` if it does not, or not yet.
   * What lies there stays. An expert may come in whenever the event loop turns,
   * so nobody may ask twice and count on the same answer with an `await` between.
   */
  placeOf(id: ExpertId): PinnedPlace | null;
  /**
   * Where in pinned memory the expert lies or will lie once the store is full;
   * `null` if it never does.
   */
  homeOf(id: ExpertId): PinnedPlace | null;
  /**
   * The bytes of an expert that does not lie in pinned memory, valid until the
   * next call; `null` if it lies there by then, and `placeOf` says where.
   */
  read(id: ExpertId): ExpertBytes | Promise<ExpertBytes>;
}

/** The bytes of an expert; `null` if it lies in pinned memory. */
export type ExpertBytes = Uint8Array<ArrayBuffer> | null;

/** Reads an expert from where it came from, laid out as the kernels read it. */
export type ReadExpert = (
  id: ExpertId,
  into: Uint8Array<ArrayBuffer>,
) => Promise<void>;

/** The shape of what a store holds. */
export interface StoreShape {
  /** Layers. */
  readonly layerCount: number;
  /** Experts of a layer. */
  readonly expertCount: number;
  /** Bytes of an expert, a multiple of 16. */
  readonly expertByteLength: number;
}

/**
 * Numbers experts through all layers.
 *
 * @param id The expert.
 * @param shape The shape of the store.
 * @returns `layer * expertCount + expert`.
 */
export function flatId(
  { layer, expert }: ExpertId,
  { expertCount }: Pick<StoreShape, "expertCount">,
): number {
  return layer * expertCount + expert;
}

/**
 * Names an expert by its number through all layers.
 *
 * @param flat The number.
 * @param shape The shape of the store.
 * @returns The expert.
 */
export function expertOf(
  flat: number,
  { expertCount }: Pick<StoreShape, "expertCount">,
): ExpertId {
  return {
    layer: Math.floor(flat / expertCount),
    expert: flat % expertCount,
  };
}

/** Some experts in a row, counted through all layers. */
export interface ExpertRange {
  /** The number of the first. */
  readonly first: number;
  /** How many there are. */
  readonly count: number;
}

/**
 * Makes one store of several that hold different experts.
 *
 * @param parts Stores and the experts that each holds; only one of them may have
 * buffers.
 * @param shape The shape of the whole.
 * @returns The store; disposing of it disposes of the parts.
 */
export function combineStores(
  parts: readonly { readonly range: ExpertRange; readonly store: HostStore }[],
  shape: Pick<StoreShape, "expertCount">,
): HostStore {
  const storeOf = (id: ExpertId) => {
    const flat = flatId(id, shape);
    const part = parts.find(({ range: { first, count } }) =>
      flat >= first && flat < first + count
    );
    if (part !== undefined) return part.store;
    throw new RangeError(
      `Cannot find expert ${id.expert} of layer ${id.layer}: no store holds it`,
    );
  };
  const filled = Promise.all(parts.map(({ store }) => store.filled));
  filled.catch(() => {});
  return {
    filled,
    buffers: parts.flatMap(({ store }) => store.buffers),
    placeOf: (id) => storeOf(id).placeOf(id),
    homeOf: (id) => storeOf(id).homeOf(id),
    read: (id) => storeOf(id).read(id),
    [Symbol.dispose]() {
      for (const { store } of parts) store[Symbol.dispose]();
    },
  };
}
