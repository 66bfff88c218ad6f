/** No expert in the slot, or no slot for the expert. */
const NONE = -1;

/** Which expert of a layer sits in which slot. It decides nothing. */
export class SlotTable {
  /** How many slots there are. */
  readonly slotCount: number;
  /** The expert in each slot, or NONE: (slotCount) */
  readonly #idOf: Int32Array;
  /** The slot of each expert, or NONE: (expertCount) */
  readonly #slotOf: Int32Array;

  /**
   * Constructs a table of empty slots.
   *
   * @param slotCount How many slots there are.
   * @param expertCount How many experts the layer has.
   */
  constructor(slotCount: number, expertCount: number) {
    this.slotCount = slotCount;
    this.#idOf = new Int32Array(slotCount).fill(NONE);
    this.#slotOf = new Int32Array(expertCount).fill(NONE);
  }

  /** Whether the expert has a slot. */
  has(id: number): boolean {
    return this.#slotOf[id]! >= 0;
  }

  /** The slot of an expert, `undefined` if it has none or does not exist. */
  slotOf(id: number): number | undefined {
    const slot = this.#slotOf[id];
    return slot === NONE ? undefined : slot;
  }

  /** The expert in a slot, `undefined` if the slot is empty. */
  idIn(slot: number): number | undefined {
    const id = this.#idOf[slot];
    return id === NONE ? undefined : id;
  }

  /** The lowest empty slot, if there is one. */
  emptySlot(): number | undefined {
    const slot = this.#idOf.indexOf(NONE);
    return slot < 0 ? undefined : slot;
  }

  /** Puts an expert without a slot into an empty one. */
  fill(slot: number, id: number): void {
    this.#idOf[slot] = id;
    this.#slotOf[id] = slot;
  }

  /** Empties a slot. */
  empty(slot: number): void {
    const id = this.#idOf[slot]!;
    if (id !== NONE) this.#slotOf[id] = NONE;
    this.#idOf[slot] = NONE;
  }

  /** The expert of each slot, `undefined` where the slot is empty. */
  toArray(): (number | undefined)[] {
    return Array.from(this.#idOf, (id) => id === NONE ? undefined : id);
  }

  /** Puts each slot's expert into it, where it is not empty. */
  restore(idOf: readonly (number | undefined)[]): void {
    this.#idOf.fill(NONE);
    this.#slotOf.fill(NONE);
    for (const [slot, id] of idOf.entries()) {
      if (id !== undefined) this.fill(slot, id);
    }
  }
}
