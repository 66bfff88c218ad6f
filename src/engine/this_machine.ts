/** What this machine has, as far as we may know. */

import type { Machine } from "./worker_count.ts";

/**
 * Says what this machine has.
 *
 * @returns Its cores and its free memory; without a limit if we may not know.
 */
export function thisMachine(): Machine {
  return {
    coreCount: navigator.hardwareConcurrency,
    freeByteLength: freeByteLength(),
  };
}

/**
 * Says how much memory programs could still take.
 *
 * @returns Bytes; `Infinity` if we may not know.
 */
export function freeByteLength(): number {
  try {
    return Deno.systemMemoryInfo().available;
  } catch (error) {
    // Without --allow-sys we may not know.
    if (error instanceof Deno.errors.NotCapable) return Infinity;
    throw error;
  }
}
