/** Keys and values of a sequence, from the GPU to ordinary memory and back. */

import { KV_PARTS, type KvCache } from "../model/kv_cache.ts";
import { nextTurn } from "./next_turn.ts";

/** Where keys and values are while their sequence runs. */
export type RunningKeys = Pick<
  KvCache,
  "layerCount" | "width" | "reader" | "write" | "checked"
>;

/** A sequence that does not run now. It never changes. */
export interface KeptSequence {
  /** Its ids. */
  readonly ids: Uint32Array;
  /** Float32 (ids.length, width), as bytes: layer by layer, keys before values. */
  readonly parts: readonly Uint8Array<ArrayBuffer>[];
}

/**
 * Says how much memory a sequence takes that is kept.
 *
 * @param tokenCount How many ids it has.
 * @param keys Where its keys and values are.
 * @returns Bytes.
 */
export function keptByteLength(
  tokenCount: number,
  { layerCount, width }: Pick<RunningKeys, "layerCount" | "width">,
): number {
  return tokenCount * 4 * (1 + layerCount * KV_PARTS.length * width);
}

/**
 * Reads the keys and values of the sequence that runs.
 *
 * @param keys Where they are.
 * @param ids The ids that they are of.
 * @returns The sequence.
 * @throws {Error} If they cannot be read.
 */
export function readSequence(
  keys: RunningKeys,
  ids: readonly number[],
): Promise<KeptSequence> {
  return keys.checked(async () => {
    using reader = await keys.reader(ids.length);
    const parts = [];
    for (let layer = 0; layer < keys.layerCount; layer++) {
      for (const part of KV_PARTS) parts.push(await reader.read(layer, part));
    }
    return { ids: Uint32Array.from(ids), parts };
  });
}

/**
 * Writes keys and values of a sequence, in place of those that are there.
 *
 * @param keys Where to.
 * @param sequence The sequence.
 * @param tokenCount How many of its first ids are wanted.
 * @throws {Error} If they cannot be written; what is there is then unknown.
 */
export function writeSequence(
  keys: RunningKeys,
  { parts }: KeptSequence,
  tokenCount: number,
): Promise<void> {
  const byteLength = tokenCount * keys.width * 4;
  return keys.checked(async () => {
    for (const [i, bytes] of parts.entries()) {
      const layer = Math.floor(i / KV_PARTS.length);
      const part = KV_PARTS[i % KV_PARTS.length]!;
      keys.write(layer, part, bytes.subarray(0, byteLength));
      await nextTurn();
    }
  });
}
