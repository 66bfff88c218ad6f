import type { Acquired, Load } from "./acquired.ts";
import { type CacheState, checkCacheState } from "./cache_state.ts";
import { DEFAULT_POLICY, POLICIES, type PolicyName } from "./eviction.ts";
import { NamedExperts } from "./named_experts.ts";
import { SlotTable } from "./slot_table.ts";
import { UseHistory, type UseHistoryOptions } from "./use_history.ts";
import { findVictim } from "./victim.ts";

/** Options for {@linkcode ExpertCache}. */
export interface ExpertCacheOptions extends UseHistoryOptions {
  /** How many experts the layer has. */
  expertCount: number;
  /**
   * Which expert to evict.
   *
   * @default {"lru"}
   */
  policy?: PolicyName;
}

const NO_LOADS: readonly Load[] = Object.freeze([]);

/**
 * Decides which experts of one layer sit in which of its GPU slots.
 *
 * It is bookkeeping over numbers: it holds no GPU object and copies nothing.
 * The caller makes the copies that are asked for; an expert's slot counts as
 * filled from then on. Experts are named by their index within the layer.
 * A call that throws has changed nothing.
 */
export class ExpertCache {
  readonly #policy: PolicyName;
  readonly #history: UseHistory;
  readonly #table: SlotTable;
  /** Those that the current call names: it evicts none of them. */
  readonly #named: NamedExperts;

  /** How many experts of the layer fit on the GPU. */
  readonly slotCount: number;
  /** How many experts the layer has. */
  readonly expertCount: number;
  /** Uses that found their expert in a slot. */
  hits = 0;
  /** Uses that did not. */
  misses = 0;
  /** Experts that lost their slot to another. */
  evictions = 0;

  /**
   * Constructs an empty cache.
   *
   * @param slotCount How many experts of the layer fit on the GPU.
   * @param options Additional options.
   * @throws {RangeError} If a number is not a whole one of at least 1, or if
   * there are more slots than experts.
   */
  constructor(slotCount: number, options: ExpertCacheOptions) {
    const { expertCount, policy = DEFAULT_POLICY } = options;
    this.#history = new UseHistory(expertCount, options);
    if (
      !Number.isInteger(slotCount) || slotCount < 1 || slotCount > expertCount
    ) {
      throw new RangeError(
        `Cannot create ExpertCache: slotCount is ${slotCount}, wanted 1 to ${expertCount}, the number of experts`,
      );
    }
    this.slotCount = slotCount;
    this.expertCount = expertCount;
    this.#policy = policy;
    this.#table = new SlotTable(slotCount, expertCount);
    this.#named = new NamedExperts(expertCount);
  }

  /**
   * Gives every expert that a step needs a slot; none of them is evicted for
   * another. Begins a step: in decode, one call a token.
   *
   * @param ids The distinct experts that the step needs.
   * @returns Their slots, in order, and the copies to make first.
   * @throws {RangeError} If an expert does not exist or is named twice, or if
   * there are more of them than slots.
   */
  acquire(ids: readonly number[]): Acquired {
    this.#named.beginWith(ids, "acquire");
    this.#checkRoom(ids);
    this.#history.tick();
    const hits = this.#useResidents(ids);
    this.hits += hits;
    this.misses += ids.length - hits;
    const loads = hits === ids.length ? NO_LOADS : this.#load(ids);
    for (const { id } of loads) this.#history.use(id);
    return { slots: ids.map((id) => this.#table.slotOf(id)!), loads, hits };
  }

  /**
   * Uses experts where they are: those in a slot count as hits, the others,
   * which the caller streams past the cache, as misses. Nothing is evicted.
   * Begins a step: in prefill, one call a chunk.
   *
   * @param ids Distinct experts, as many as there are.
   * @returns How many of them are in a slot.
   * @throws {RangeError} If an expert does not exist or is named twice.
   */
  touch(ids: readonly number[]): number {
    this.#named.beginWith(ids, "touch");
    this.#history.tick();
    const hits = this.#useResidents(ids);
    for (const id of ids) {
      if (!this.#table.has(id)) this.#history.use(id);
    }
    this.hits += hits;
    this.misses += ids.length - hits;
    return hits;
  }

  /**
   * Brings the most recent of the given experts into slots, as many as there
   * is room for, and makes their order of use that of the list. Counts neither
   * hits nor misses. After prefill: the routing of the last tokens, one token
   * after the other.
   *
   * @param ids Experts, the most recently used last; repetitions count as uses.
   * @returns The copies to make, the most recently used expert last.
   * @throws {RangeError} If an expert does not exist.
   */
  seed(ids: readonly number[]): Load[] {
    for (const id of ids) this.#named.check(id, "seed");
    const chosen = this.#mostRecent(ids);
    const loads = this.#load(chosen);
    for (const id of ids) {
      this.#history.tick();
      this.#history.use(id);
    }
    return loads;
  }

  /**
   * Where an expert is. Changes nothing.
   *
   * @param id The expert.
   * @returns Its slot, or `undefined` if it has none.
   */
  slotOf(id: number): number | undefined {
    return this.#table.slotOf(id);
  }

  /**
   * Which experts are in no slot. Changes nothing.
   *
   * @param ids Experts.
   * @returns Those without a slot, in order.
   */
  missing(ids: readonly number[]): number[] {
    return ids.filter((id) => this.slotOf(id) === undefined);
  }

  /**
   * Empties the slots of experts whose copy failed. It is no eviction.
   *
   * @param ids Experts; those without a slot are passed over.
   */
  drop(ids: readonly number[]): void {
    for (const id of ids) {
      const slot = this.slotOf(id);
      if (slot !== undefined) this.#table.empty(slot);
    }
  }

  /**
   * Which expert is in which slot.
   *
   * @returns The expert of each slot, `undefined` where the slot is empty.
   */
  state(): (number | undefined)[] {
    return this.#table.toArray();
  }

  /**
   * Copies all that it decides by: another of its size, policy and half-life
   * that restores it decides the same ever after.
   *
   * @returns The state.
   */
  save(): CacheState {
    const { hits, misses, evictions } = this;
    return {
      idOf: this.state(),
      ...this.#history.save(),
      ...{ hits, misses, evictions },
    };
  }

  /**
   * Takes over a state, and forgets its own.
   *
   * @param state What {@linkcode save} returned, or what a GPU made of it.
   * @throws {RangeError} If the state is of a cache with other slots or experts.
   */
  restore(state: CacheState): void {
    checkCacheState(state, this);
    this.#table.restore(state.idOf);
    this.#history.restore(state);
    this.hits = state.hits;
    this.misses = state.misses;
    this.evictions = state.evictions;
  }

  #checkRoom(ids: readonly number[]): void {
    if (ids.length <= this.slotCount) return;
    throw new RangeError(
      `Cannot acquire ${ids.length} experts: the layer has ${this.slotCount} slots, wanted as many`,
    );
  }

  /** The last distinct ids that there is room for; marks them as this call's. */
  #mostRecent(ids: readonly number[]): number[] {
    this.#named.begin();
    const chosen: number[] = [];
    for (const id of ids.toReversed()) {
      if (chosen.length === this.slotCount) break;
      if (this.#named.has(id)) continue;
      this.#named.add(id);
      chosen.push(id);
    }
    return chosen.reverse();
  }

  /** Residents first, so that loading one expert never evicts another. */
  #useResidents(ids: readonly number[]): number {
    let hits = 0;
    for (const id of ids) {
      if (!this.#table.has(id)) continue;
      this.#history.use(id);
      hits++;
    }
    return hits;
  }

  /** Puts those of this call's experts into slots that have none. */
  #load(ids: readonly number[]): Load[] {
    const loads: Load[] = [];
    for (const id of ids) {
      if (this.#table.has(id)) continue;
      const slot = this.#table.emptySlot() ?? this.#evict();
      this.#table.fill(slot, id);
      this.#history.load(id);
      loads.push({ id, slot });
    }
    return loads;
  }

  /** Empties a slot whose expert is not of this call. */
  #evict(): number {
    const victim = findVictim(this.#table, {
      history: this.#history,
      score: POLICIES[this.#policy],
      named: this.#named,
    });
    this.#table.empty(victim);
    this.evictions++;
    return victim;
  }
}
