/** Experts beyond VRAM, for one token. */

import type { Recorder } from "../gpu/recorder.ts";
import type { Staged } from "./prefetcher.ts";
import {
  countShare,
  expertIn,
  type OffloadParts,
  readLayer,
  uploadExpert,
} from "./offload_parts.ts";

/** A miss on its way to a slot. */
interface Loading {
  readonly rank: number;
  readonly layer: number;
  readonly expert: number;
  readonly slot: number;
  /** The first piece that is not there yet. */
  readonly piece: number;
}

/**
 * Runs a layer's experts for one token: hits first, each miss while something
 * else is computed.
 *
 * @param parts What runs offloaded experts.
 * @param recorder The commands of the step.
 * @param layer The layer, among those that are offloaded.
 */
export async function decodeExperts(
  parts: OffloadParts,
  recorder: Recorder,
  layer: number,
): Promise<void> {
  const { caches, prefetcher, prefetch, stats, watch, layers } = parts;
  prefetcher.endWindow(recorder);
  // What is recorded ahead can have no copies beside it.
  if (prefetch.isOn) recorder.next = null;
  const routing = await readLayer(parts, recorder, { layer, tokenCount: 1 });
  const start = performance.now();
  if (layer === 0) {
    prefetch.beginToken(start);
    stats.countTokens();
  }
  const ids = [...routing.ids];
  const { used: staged, wasted } = prefetcher.take(layer, ids);
  const cache = caches[layer]!;
  if (watch.isOn) {
    // Before anything changes that a listener who throws would leave half done.
    watch.tell({
      layer: layers[layer]!,
      phase: "decode",
      hits: ids.filter((id) => cache.slotOf(id) !== undefined),
      misses: cache.missing(ids),
      prefetched: [...staged.keys()],
      wasted,
    });
  }
  const evictionsBefore = cache.evictions;
  const { slots, loads, hits } = cache.acquire(ids);
  stats.countUses(layers[layer]!, {
    hits,
    misses: loads.length,
    evictions: cache.evictions - evictionsBefore,
  });
  const missing = new Set(loads.map(({ id }) => id));
  const loading: Loading[] = [];
  const hitRanks: number[] = [];
  for (const [rank, expert] of ids.entries()) {
    const slot = slots[rank]!;
    if (!missing.has(expert)) {
      hitRanks.push(rank);
    } else {
      const piece = moveIn(parts, staged, { layer, expert, slot });
      loading.push({ rank, layer, expert, slot, piece });
    }
  }
  stats.countTime("decide", performance.now() - start);
  try {
    await runRanks(parts, recorder, { layer, slots, hitRanks, loading });
  } catch (error) {
    cache.drop([...missing]); // nobody knows what is in there
    throw error;
  }
  prefetcher.beginWindow(recorder, layer + 1, [...routing.guess]);
}

/** A staged expert's buffer becomes the slot's; returns the next piece. */
function moveIn(
  parts: OffloadParts,
  staged: ReadonlyMap<number, Staged>,
  { layer, expert, slot }: { layer: number; expert: number; slot: number },
): number {
  const found = staged.get(expert);
  if (found === undefined) return 0;
  parts.slots.swap(found.staging, layer, slot);
  return found.nextPiece;
}

/** Records hits, then misses, and each copy beside an op of another expert. */
async function runRanks(
  parts: OffloadParts,
  recorder: Recorder,
  { layer, slots, hitRanks, loading }: {
    layer: number;
    slots: readonly number[];
    hitRanks: readonly number[];
    loading: readonly Loading[];
  },
): Promise<void> {
  const pinned = loading.filter((load) => parts.loader.isPinned(load));
  const others = loading.filter((load) => !pinned.includes(load));
  const queue = [...pinned];
  const copyNext = () => {
    const load = queue.shift();
    if (load !== undefined) copy(parts, recorder, load);
  };
  // The first copy comes first: the pass has just begun, so nothing stands
  // between it and the next op, and no op's workgroups queue before its own.
  copyNext();
  const hits = hitRanks.map((rank) =>
    expertIn(parts, layer, slots[rank]!).byRank[rank]!
  );
  // Side by side: none of these waits for another.
  for (const { up } of hits) recorder.run(up, 1);
  for (const { down } of hits) recorder.run(down, 1);
  // The link is what a miss waits for: its copy goes off before the rest of the
  // layer is recorded.
  const { pieceCount } = parts.loader;
  if (pinned.some(({ piece }) => piece < pieceCount)) recorder.submit();
  for (const { rank, slot } of pinned) {
    const { up, down } = expertIn(parts, layer, slot).byRank[rank]!;
    recorder.run(up, 1);
    copyNext();
    recorder.run(down, 1);
  }
  for (const load of others) {
    await upload(parts, recorder, load);
    const { up, down } = expertIn(parts, layer, load.slot).byRank[load.rank]!;
    recorder.run(up, 1);
    recorder.run(down, 1);
  }
}

/** Records the copy of a miss, or of what is left of it. */
function copy(
  parts: OffloadParts,
  recorder: Recorder,
  load: Loading,
): void {
  const { loader, slots } = parts;
  countShare(parts, load.layer, {
    cause: "demand",
    share: 1 - load.piece / loader.pieceCount,
  });
  if (load.piece === loader.pieceCount) return; // all of it was staged
  loader.copy(recorder, load, {
    to: slots.ofSlot(load.layer, load.slot),
    piece: load.piece,
    toEnd: true,
  });
}

/** Moves a miss through ordinary memory. */
async function upload(
  parts: OffloadParts,
  recorder: Recorder,
  load: Loading,
): Promise<void> {
  const to = parts.slots.ofSlot(load.layer, load.slot);
  await uploadExpert(parts, recorder, { id: load, to });
  countShare(parts, load.layer, { cause: "demand", share: 1 });
}
