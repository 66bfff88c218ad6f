/**
 * What a GPU keeps of a layer whose experts it brings in itself: the state of an
 * `ExpertCache` in u32 words, and a log of the latest token.
 *
 * A block is (all numbers u32):
 *
 * ```text
 * slot count    0: the host decides, the GPU only logs
 * clock, hits, misses, evictions
 * staged: id    the expert of which a part was staged for the latest token, and how many
 *         count  vec4s (16 bytes); where nothing is prefetched, both are unused
 * unused word
 * id of slot    (expertCount) expert in each slot; all bits set for none, also
 *               beyond the slot count
 * slot of id    (expertCount) slot of each expert; all bits set for none
 * last used     (expertCount) by expert, as in `UseHistory`
 * uses          (expertCount)
 * decayed uses  (expertCount)
 * log: ids      (topK) the latest token's experts, by rank
 *      weights  (topK) their weights, float32
 *      guess    (expertCount) the next layer's experts, likeliest first: as many
 *               as the router guesses
 * ```
 *
 * Blocks are padded to 256 bytes, what bindings of storage buffers begin at.
 * `kernels/lib/residency.wgsl` reads and writes the same words.
 *
 * @module
 */

import type { CacheCounts } from "./cache_state.ts";
import type { ExpertCache } from "./expert_cache.ts";

/** No expert in the slot, or no slot for the expert. */
const NONE = 0xffffffff;

/** Words before those of the slots. */
const HEADER_WORD_COUNT = 8;

/** Words of 256 bytes. */
const ALIGNMENT = 64;

/** Where things are in a block, in words. */
export interface ResidencyLayout {
  /** How many experts the layer has. */
  readonly expertCount: number;
  /** How many experts a token takes. */
  readonly topK: number;
  /** The expert in each slot: (expertCount) */
  readonly idOf: number;
  /** The slot of each expert: (expertCount) */
  readonly slotOf: number;
  /** The step of each expert's last use: (expertCount) */
  readonly lastUsed: number;
  /** Each expert's uses since it was loaded: (expertCount) */
  readonly uses: number;
  /** Each expert's decayed uses: (expertCount) */
  readonly decayedUses: number;
  /** The experts of the latest token: (topK) */
  readonly ids: number;
  /** Their weights, float32: (topK) */
  readonly weights: number;
  /** What was guessed for the next layer: (expertCount) */
  readonly guess: number;
  /** Words of a block, with padding. */
  readonly wordCount: number;
}

/** The latest token of a layer: views of the block's words. */
export interface ResidencyLog {
  /** Its experts by rank: (topK) */
  readonly ids: Uint32Array;
  /** Their weights: (topK) */
  readonly weights: Float32Array;
  /** The next layer's experts, likeliest first, as many as are guessed: (expertCount) */
  readonly guess: Uint32Array;
}

/**
 * Says where things are in a block.
 *
 * @param shape The experts of a layer and of a token.
 * @returns The layout.
 */
export function residencyLayout(
  { expertCount, topK }: { expertCount: number; topK: number },
): ResidencyLayout {
  const idOf = HEADER_WORD_COUNT;
  const ids = idOf + 5 * expertCount;
  const guess = ids + 2 * topK;
  return {
    expertCount,
    topK,
    idOf,
    slotOf: idOf + expertCount,
    lastUsed: idOf + 2 * expertCount,
    uses: idOf + 3 * expertCount,
    decayedUses: idOf + 4 * expertCount,
    ids,
    weights: ids + topK,
    guess,
    wordCount: Math.ceil((guess + expertCount) / ALIGNMENT) * ALIGNMENT,
  };
}

/**
 * Writes a cache into a block, so that the GPU goes on where it is. The log stays
 * as it is.
 *
 * @param layout The layout.
 * @param cache The cache.
 * @param into The block: (wordCount)
 * @throws {RangeError} If a token's experts do not fit into the slots.
 */
export function writeBlock(
  layout: ResidencyLayout,
  cache: ExpertCache,
  into: Uint32Array,
): void {
  const { idOf, slotOf } = layout;
  const { slotCount } = cache;
  if (slotCount < layout.topK) {
    throw new RangeError(
      `Cannot write a residency block: the layer has ${slotCount} slots, wanted at least ${layout.topK}, the experts of a token`,
    );
  }
  const state = cache.save();
  into.set([slotCount, state.clock, state.hits, state.misses, state.evictions]);
  into.fill(NONE, idOf, slotOf + layout.expertCount);
  for (const [slot, id] of state.idOf.entries()) {
    if (id === undefined) continue;
    into[idOf + slot] = id;
    into[slotOf + id] = slot;
  }
  into.set(state.lastUsed, layout.lastUsed);
  into.set(state.uses, layout.uses);
  into.set(state.decayedUses, layout.decayedUses);
}

/**
 * Makes a cache go on where the GPU is.
 *
 * @param layout The layout.
 * @param words The block: (wordCount)
 * @param cache The cache.
 * @throws {RangeError} If the block is of another number of slots, or if it names
 * experts that do not exist.
 */
export function readBlock(
  layout: ResidencyLayout,
  words: Uint32Array,
  cache: ExpertCache,
): void {
  const { expertCount, idOf } = layout;
  const slotCount = words[0]!;
  if (slotCount !== cache.slotCount) {
    throw new RangeError(
      `Cannot read a residency block: it has ${slotCount} slots, wanted ${cache.slotCount}`,
    );
  }
  const perExpert = (at: number) => words.slice(at, at + expertCount);
  cache.restore({
    ...countsOf(words),
    clock: words[1]!,
    idOf: Array.from(
      words.subarray(idOf, idOf + slotCount),
      (id) => id === NONE ? undefined : id,
    ),
    lastUsed: perExpert(layout.lastUsed),
    uses: perExpert(layout.uses),
    decayedUses: perExpert(layout.decayedUses),
  });
}

/**
 * The latest token of a block. It copies nothing.
 *
 * @param layout The layout.
 * @param words The block: (wordCount)
 * @returns Views of the words.
 */
export function logOf(
  layout: ResidencyLayout,
  words: Uint32Array,
): ResidencyLog {
  const { topK, expertCount, ids, weights, guess } = layout;
  return {
    ids: words.subarray(ids, ids + topK),
    weights: new Float32Array(
      words.buffer,
      words.byteOffset + weights * 4,
      topK,
    ),
    guess: words.subarray(guess, guess + expertCount),
  };
}

/**
 * Whether an expert has a slot.
 *
 * @param layout The layout.
 * @param words The block: (wordCount)
 * @param expert The expert.
 * @returns Whether it has one.
 */
export function hasSlot(
  { slotOf }: ResidencyLayout,
  words: Uint32Array,
  expert: number,
): boolean {
  return words[slotOf + expert] !== NONE;
}

/**
 * What was staged of a guessed expert for the layer's latest token, if routers stage
 * anything.
 *
 * @param words The block: (wordCount)
 * @returns The expert, and how many bytes of it; 0 for none.
 */
export function stagedIn(
  words: Uint32Array,
): { expert: number; byteLength: number } {
  return { expert: words[5]!, byteLength: words[6]! * 16 };
}

/**
 * How often the GPU found, missed and evicted experts, all in all.
 *
 * @param words The block: (wordCount)
 * @returns The counts.
 */
export function countsOf(words: Uint32Array): CacheCounts {
  return { hits: words[2]!, misses: words[3]!, evictions: words[4]! };
}
