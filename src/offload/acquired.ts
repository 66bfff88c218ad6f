/** A copy that the caller has to make before it uses the slot. */
export interface Load {
  /** The expert to copy. */
  readonly id: number;
  /** The slot to copy it to. */
  readonly slot: number;
}

/** What `ExpertCache.acquire()` decided. */
export interface Acquired {
  /** The slot of each expert, in the order asked for. */
  readonly slots: readonly number[];
  /** The copies to make first, in the order asked for. */
  readonly loads: readonly Load[];
  /** How many of the experts were in a slot already. */
  readonly hits: number;
}
