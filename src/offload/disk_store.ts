/** Experts on disk, the most recently used of them in ordinary memory. */

import {
  flatId,
  type HostStore,
  type ReadExpert,
  type StoreShape,
} from "./host_store.ts";

/** Options for {@linkcode createDiskStore}. */
export interface DiskStoreOptions extends StoreShape {
  /** Fills an expert's bytes, from the checkpoint. */
  readonly readExpert: ReadExpert;
  /** How many experts to keep in memory, at least 1. */
  readonly keptCount: number;
}

/**
 * Makes a store that reads an expert from the checkpoint when it is asked for,
 * with a least-recently-used cache in memory.
 *
 * @param options What to hold, and where it comes from.
 * @returns The store.
 */
export function createDiskStore(options: DiskStoreOptions): HostStore {
  // A Map lists its keys in the order of insertion: the first is the oldest.
  const kept = new Map<number, Uint8Array<ArrayBuffer>>();
  return {
    buffers: [],
    placeOf: () => null,
    homeOf: () => null,
    async read(id) {
      const flat = flatId(id, options);
      const found = kept.get(flat);
      kept.delete(flat);
      if (found !== undefined) {
        kept.set(flat, found);
        return found;
      }
      const bytes = takeOldest(kept, options.keptCount) ??
        new Uint8Array(options.expertByteLength);
      await options.readExpert(id, bytes);
      kept.set(flat, bytes);
      return bytes;
    },
    [Symbol.dispose]: () => kept.clear(),
  };
}

/** Frees a place among `limit`, and returns the bytes that had it, if any. */
function takeOldest(
  kept: Map<number, Uint8Array<ArrayBuffer>>,
  limit: number,
): Uint8Array<ArrayBuffer> | undefined {
  if (kept.size < limit) return undefined;
  const [flat, bytes] = kept.entries().next().value!;
  kept.delete(flat);
  return bytes;
}
