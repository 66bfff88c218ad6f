/** Experts in ordinary memory. */

import {
  expertOf,
  type ExpertRange,
  flatId,
  type HostStore,
  type ReadExpert,
  type StoreShape,
} from "./host_store.ts";

/** Options for {@linkcode createArrayStore}. */
export interface ArrayStoreOptions extends StoreShape {
  /** Fills an expert's bytes. */
  readonly readExpert: ReadExpert;
  /** Which experts to hold. */
  readonly range: ExpertRange;
  /** Called after each expert. */
  readonly onExpert?: ((done: number) => void) | undefined;
}

/**
 * Reads experts into ordinary memory, from where the CPU moves them to the GPU.
 *
 * @param options What to hold, and where it comes from.
 * @returns The store.
 */
export async function createArrayStore(
  options: ArrayStoreOptions,
): Promise<HostStore> {
  const { expertByteLength, range: { first, count } } = options;
  const experts: Uint8Array<ArrayBuffer>[] = [];
  for (let i = 0; i < count; i++) {
    const bytes = new Uint8Array(expertByteLength);
    await options.readExpert(expertOf(first + i, options), bytes);
    experts.push(bytes);
    options.onExpert?.(first + i + 1);
  }
  return {
    buffers: [],
    placeOf: () => null,
    read: (id) => experts[flatId(id, options) - first]!,
    [Symbol.dispose]: () => void (experts.length = 0),
  };
}
