/** Where the experts of a layer lie in pinned memory, or will. */

import type { HostStore } from "./host_store.ts";

/** Experts of a layer that lie in one buffer, one after the other. */
export interface PoolPart {
  /** The number of the buffer, among `HostStore.buffers`. */
  readonly buffer: number;
  /** The first of them. */
  readonly firstExpert: number;
  /** How many there are. */
  readonly count: number;
  /** The number of the first within the buffer. */
  readonly index: number;
}

/**
 * Lists the parts in which a layer lies in pinned memory.
 *
 * @param store Where experts are.
 * @param layer The layer, as the store counts them.
 * @param expertCount Experts of a layer.
 * @returns The parts, in order; `null` if an expert is never pinned.
 */
export function poolPartsOf(
  store: Pick<HostStore, "homeOf">,
  layer: number,
  expertCount: number,
): PoolPart[] | null {
  const parts: PoolPart[] = [];
  for (let expert = 0; expert < expertCount; expert++) {
    const place = store.homeOf({ layer, expert });
    if (place === null) return null;
    const last = parts.at(-1);
    if (
      last?.buffer === place.buffer && last.index + last.count === place.index
    ) {
      parts[parts.length - 1] = { ...last, count: last.count + 1 };
    } else {
      parts.push({ ...place, firstExpert: expert, count: 1 });
    }
  }
  return parts;
}
