/** Experts beyond VRAM, for many tokens. */

import type { Recorder } from "../gpu/recorder.ts";
import { seedsOf } from "../offload/prefill_seeds.ts";
import {
  countShare,
  type OffloadParts,
  readLayer,
  uploadExpert,
} from "./offload_parts.ts";

/** An expert on its way to a place, in prefill. */
interface Stream {
  readonly layer: number;
  readonly expert: number;
  /** The number of the place that it is computed from. */
  readonly to: number;
  /** The number of the place that it is copied to after that, if it is. */
  readonly keptIn?: number | undefined;
  /** Whether the expert is there already. */
  readonly isHere?: boolean;
}

/**
 * Runs a layer's experts for many tokens: each is brought in at most once,
 * residents are used where they are, and the last tokens' experts get slots.
 *
 * @param parts What runs offloaded experts.
 * @param recorder The commands of the step.
 * @param options The layer, among those that are offloaded, and the tokens.
 */
export async function prefillExperts(
  parts: OffloadParts,
  recorder: Recorder,
  { layer, tokenCount }: { layer: number; tokenCount: number },
): Promise<void> {
  const { caches, slots, prefetcher, prefetch, routing, stats, watch } = parts;
  prefetcher.endWindow(recorder);
  const { wasted } = prefetcher.take(layer, []); // a guess before a prompt is no use after it
  prefetch.pause();
  recorder.run(parts.groupRows, tokenCount);
  const { ids } = await readLayer(parts, recorder, { layer, tokenCount });
  const start = performance.now();
  const wanted = [...new Set(ids)].sort((a, b) => a - b);
  const cache = caches[layer]!;
  const missing = cache.missing(wanted);
  // Before seeding: residents are used where they are now.
  const residents = wanted.filter((expert) => !missing.includes(expert))
    .map((expert) => ({ expert, slot: cache.slotOf(expert)! }));
  if (watch.isOn) {
    // Before anything changes that a listener who throws would leave half done.
    watch.tell({
      layer: parts.layers[layer]!,
      phase: "prefill",
      hits: residents.map(({ expert }) => expert),
      misses: missing,
      prefetched: [],
      wasted,
    });
  }
  const evictionsBefore = cache.evictions;
  cache.touch(wanted);
  // The experts of the last tokens go to slots, the others to staging slots.
  const seeds = cache.seed(seedsOf(ids, routing.topK));
  stats.countPrefillUses(parts.layers[layer]!, {
    hits: wanted.length - missing.length,
    misses: missing.length,
    evictions: cache.evictions - evictionsBefore,
  });
  const bySlot = new Map(seeds.map(({ id, slot }) => [id, slot]));
  stats.countTime("decide", performance.now() - start);
  try {
    const streams = missing.map((expert, i): Stream => {
      const slot = bySlot.get(expert);
      const kept = slot === undefined ? undefined : slots.ofSlot(layer, slot);
      const staging = slots.ofStaging(i % slots.stagingSlotCount);
      // A copy into a bank would wait for the ops that read any of its slots.
      return slots.hasBanks
        ? { layer, expert, to: staging, keptIn: kept }
        : { layer, expert, to: kept ?? staging };
    });
    const here = residents.map(({ expert, slot }): Stream => ({
      layer,
      expert,
      to: slots.ofSlot(layer, slot),
      isHere: true,
    }));
    await stream(parts, recorder, {
      streams: [...here, ...streams],
      tokenCount,
    });
  } catch (error) {
    cache.drop(seeds.map(({ id }) => id));
    throw error;
  }
}

/** Computes experts one after the other, and brings in the next beside each. */
async function stream(
  parts: OffloadParts,
  recorder: Recorder,
  { streams, tokenCount }: { streams: readonly Stream[]; tokenCount: number },
): Promise<void> {
  const { experts, loader } = parts;
  const begin = (next: Stream | undefined) => {
    if (next === undefined || next.isHere || !loader.isPinned(next)) return;
    loader.copy(recorder, next, {
      to: next.to,
      piece: 0,
      toEnd: true,
    });
  };
  begin(streams[0]);
  for (const [i, one] of streams.entries()) {
    if (!one.isHere) {
      countShare(parts, one.layer, { cause: "prefill", share: 1 });
      if (!loader.isPinned(one)) {
        await uploadExpert(parts, recorder, { id: one, to: one.to });
      }
    }
    const next = streams[i + 1];
    // The next may go to the slot of this one, whose expert leaves the cache.
    const waits = next?.to === one.to;
    const ops = experts[one.to]!.byExpert[one.expert]!;
    for (const [j, op] of ops.entries()) {
      recorder.run(op, tokenCount);
      if (j === (waits ? ops.length - 1 : 0)) begin(next);
    }
    const { to: from, keptIn: to } = one;
    // Residents ran before: nobody reads what the slot held.
    if (to !== undefined) loader.keep(recorder, { from, to });
  }
}
