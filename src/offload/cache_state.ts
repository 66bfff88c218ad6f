/** How often the experts of a layer were found, missed and evicted. */
export interface CacheCounts {
  /** Uses that found their expert in a slot. */
  readonly hits: number;
  /** Uses that did not. */
  readonly misses: number;
  /** Experts that lost their slot to another. */
  readonly evictions: number;
}

/** When and how often each expert of a layer was used. */
export interface HistoryState {
  /** The current step. */
  readonly clock: number;
  /** The step of each expert's last use; 0 is never: (expertCount) */
  readonly lastUsed: Uint32Array;
  /** How often each expert was used since it was loaded: (expertCount) */
  readonly uses: Uint32Array;
  /** The decayed use count as of the last use, in 1 / 256: (expertCount) */
  readonly decayedUses: Uint32Array;
}

/**
 * All that an `ExpertCache` decides by, save for its policy and half-life: a
 * copy, which no cache changes.
 */
export interface CacheState extends CacheCounts, HistoryState {
  /** The expert in each slot, `undefined` where it is empty: (slotCount) */
  readonly idOf: readonly (number | undefined)[];
}

/**
 * Checks a state that comes from elsewhere.
 *
 * @param state The state.
 * @param cache The slots and experts of the cache that is to have it.
 * @throws {RangeError} If it is of a cache with other slots or experts, or if an
 * expert does not exist or is in two slots.
 */
export function checkCacheState(
  state: CacheState,
  { slotCount, expertCount }: { slotCount: number; expertCount: number },
): void {
  const { idOf, lastUsed, uses, decayedUses } = state;
  if (idOf.length !== slotCount) {
    throw new RangeError(
      `Cannot restore ExpertCache: the state has ${idOf.length} slots, wanted ${slotCount}`,
    );
  }
  for (const { length } of [lastUsed, uses, decayedUses]) {
    if (length === expertCount) continue;
    throw new RangeError(
      `Cannot restore ExpertCache: the state has ${length} experts, wanted ${expertCount}`,
    );
  }
  const seen = new Set<number>();
  for (const [slot, id] of idOf.entries()) {
    if (id === undefined) continue;
    const isExpert = Number.isInteger(id) && id >= 0 && id < expertCount;
    if (isExpert && !seen.has(id)) {
      seen.add(id);
      continue;
    }
    throw new RangeError(
      `Cannot restore ExpertCache: slot ${slot} holds expert ${id}, wanted ${
        isExpert ? "each in one slot" : `0 to ${expertCount - 1}`
      }`,
    );
  }
}
