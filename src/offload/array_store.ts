/** Experts in ordinary memory. */

import {
  ExpertFill,
  type FilledStoreOptions,
  fillLimit,
} from "./expert_fill.ts";
import { expertOf, flatId, type HostStore } from "./host_store.ts";

/**
 * Reads experts into ordinary memory, from where the CPU moves them to the GPU.
 *
 * @param options What to hold, and where it comes from.
 * @returns The store; not yet full if it is filled in the background.
 */
export async function createArrayStore(
  options: FilledStoreOptions,
): Promise<HostStore> {
  const { expertByteLength, range: { first, count } } = options;
  const experts: (Uint8Array<ArrayBuffer> | null)[] = Array(count).fill(null);
  const fill = new ExpertFill({
    count,
    limit: options.readLimit ?? fillLimit(expertByteLength),
    async read(i) {
      const bytes = new Uint8Array(expertByteLength);
      await options.readExpert(expertOf(first + i, options), bytes);
      return bytes;
    },
    keep(i, bytes) {
      experts[i] = bytes;
      options.onExpert?.();
    },
  });
  if (!options.isBackground) await fill.finished;
  return {
    filled: fill.finished,
    buffers: [],
    placeOf: () => null,
    homeOf: () => null,
    read(id) {
      const i = flatId(id, options) - first;
      return experts[i] ?? fill.bring(i).then(() => experts[i]!);
    },
    [Symbol.dispose]() {
      fill[Symbol.dispose]();
      experts.fill(null);
    },
  };
}
