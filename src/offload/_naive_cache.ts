/**
 * The same decisions as `ExpertCache`, written down as plainly as possible and
 * independently of it: lists of uses, no tables, whole numbers of any size.
 */
export class NaiveCache {
  readonly #slots: (number | undefined)[];
  /** Every use of an expert: the steps, oldest first. */
  readonly #uses: number[][];
  readonly #policy: string;
  #step = 0;
  /** Uses of experts since they were loaded. */
  readonly #sinceLoad: number[];

  constructor(slotCount: number, expertCount: number, policy: string) {
    this.#slots = Array(slotCount).fill(undefined);
    this.#uses = Array.from({ length: expertCount }, () => []);
    this.#sinceLoad = Array(expertCount).fill(0);
    this.#policy = policy;
  }

  get slots(): (number | undefined)[] {
    return [...this.#slots];
  }

  /** Returns the experts to load, in order. */
  acquire(ids: readonly number[]): number[] {
    this.#step++;
    const loads = ids.filter((id) => !this.#slots.includes(id));
    for (const id of ids) if (!loads.includes(id)) this.#use(id);
    for (const id of loads) {
      const empty = this.#slots.indexOf(undefined);
      const slot = empty >= 0 ? empty : this.#victim(ids);
      this.#slots[slot] = id;
      this.#sinceLoad[id] = 0;
    }
    for (const id of loads) this.#use(id);
    return loads;
  }

  #use(id: number): void {
    this.#uses[id]!.push(this.#step);
    this.#sinceLoad[id]!++;
  }

  #victim(kept: readonly number[]): number {
    const candidates = [...this.#slots.keys()]
      .filter((slot) => !kept.includes(this.#slots[slot]!))
      .map((slot) => {
        const id = this.#slots[slot]!;
        const last = this.#uses[id]!.at(-1)!;
        return { slot, worth: this.#worth(id, last) };
      });
    candidates.sort((a, b) => a.worth - b.worth || a.slot - b.slot);
    return candidates[0]!.slot;
  }

  #worth(id: number, last: number): number {
    if (this.#policy === "lru") return last;
    if (this.#policy === "lfu") return this.#sinceLoad[id]!;
    const uses = decayedUses(this.#uses[id]!) / 256n;
    const frequencyClass = Math.min(uses.toString(2).length - 1, 7);
    return -(this.#step - last) / 2 ** frequencyClass;
  }
}

/** The decayed count as of the last use, in 1 / 256, from all uses. */
function decayedUses(steps: readonly number[]): bigint {
  let count = 0n;
  let last = 0;
  for (const step of steps) {
    const age = step - last;
    const factor = BigInt(Math.round(2 ** (16 - (age % 128) / 128)));
    const decayed = (count * factor + 32768n) / 65536n;
    count = decayed / 2n ** BigInt(Math.floor(age / 128)) + 256n;
    last = step;
  }
  return count;
}
