import type { HistoryState } from "./cache_state.ts";

/** Options for {@linkcode UseHistory}. */
export interface UseHistoryOptions {
  /**
   * After how many steps an old use counts half, a whole number of at least 1.
   *
   * @default {128}
   */
  halfLife?: number;
}

/** The half-life that is used when none is named. */
const DEFAULT_HALF_LIFE = 128;

/** {@linkcode UseHistory.decayedUses} counts in units of 1 / 256 use. */
export const DECAYED_USE_UNIT = 256;

/** The most that {@linkcode UseHistory.decayedUses} holds: 16 bits. */
const DECAYED_USES_MAX = 0xffff;

/**
 * When and how often each expert of a layer was used: what the eviction
 * policies decide by. It knows no slot.
 *
 * All of it is u32 arithmetic, so that a WGSL kernel can do the same to the
 * bit. A step is a token in decode. The decayed use count of an expert, kept
 * across evictions, is the CRF of llama.cpp's ClassLRU: each use adds 1, and
 * what was there before has lost half of itself every `halfLife` steps.
 * It is brought up to date only when the expert is used:
 *
 * ```text
 * age     = clock - lastUsed[id]
 * product = decayedUses[id] * decayFactors[age % halfLife] + 0x8000
 * decayed = (product >> 16) >> min(age / halfLife, 31)
 * decayedUses[id] = min(decayed + 256, 0xffff)
 * ```
 *
 * `decayedUses` has 8 bits after the point, `decayFactors[i]` is
 * `round(65536 * 2 ** (-i / halfLife))`; the product is below 2 ** 32.
 */
export class UseHistory {
  /** How many experts the layer has. */
  readonly expertCount: number;
  /** Steps in which an old use loses half of its weight. */
  readonly halfLife: number;
  /** 2 ** (-i / halfLife) with 16 bits after the point: (halfLife) */
  readonly decayFactors: Uint32Array;
  /** The step of each expert's last use; 0 is never: (expertCount) */
  readonly lastUsed: Uint32Array;
  /** How often each expert was used since it was loaded: (expertCount) */
  readonly uses: Uint32Array;
  /** The decayed use count as of the last use, in 1 / 256: (expertCount) */
  readonly decayedUses: Uint32Array;
  /** The current step; the first is 1. */
  clock = 0;

  /**
   * Constructs a history without uses.
   *
   * @param expertCount How many experts the layer has.
   * @param options Additional options.
   * @throws {RangeError} If a number is not a whole one of at least 1.
   */
  constructor(expertCount: number, options: UseHistoryOptions = {}) {
    const { halfLife = DEFAULT_HALF_LIFE } = options;
    for (const [name, value] of Object.entries({ expertCount, halfLife })) {
      if (Number.isInteger(value) && value >= 1) continue;
      throw new RangeError(
        `Cannot create UseHistory: ${name} is ${value}, wanted a whole number of at least 1`,
      );
    }
    this.expertCount = expertCount;
    this.halfLife = halfLife;
    this.decayFactors = decayFactors(halfLife);
    this.lastUsed = new Uint32Array(expertCount);
    this.uses = new Uint32Array(expertCount);
    this.decayedUses = new Uint32Array(expertCount);
  }

  /** Begins the next step. */
  tick(): void {
    this.clock++;
  }

  /**
   * The expert is used in the current step.
   *
   * @param id The expert within the layer.
   */
  use(id: number): void {
    const age = this.clock - this.lastUsed[id]!;
    const factor = this.decayFactors[age % this.halfLife]!;
    const product = this.decayedUses[id]! * factor + 0x8000;
    const halvings = Math.min(Math.floor(age / this.halfLife), 31);
    this.decayedUses[id] = Math.min(
      ((product >>> 16) >>> halvings) + DECAYED_USE_UNIT,
      DECAYED_USES_MAX,
    );
    this.lastUsed[id] = this.clock;
    this.uses[id]!++;
  }

  /**
   * The expert comes into a slot: its uses since loading start at 0.
   *
   * @param id The expert within the layer.
   */
  load(id: number): void {
    this.uses[id] = 0;
  }

  /** Copies what it knows. */
  save(): HistoryState {
    return {
      clock: this.clock,
      lastUsed: this.lastUsed.slice(),
      uses: this.uses.slice(),
      decayedUses: this.decayedUses.slice(),
    };
  }

  /** Takes over what another of as many experts knew. */
  restore(state: HistoryState): void {
    this.clock = state.clock;
    this.lastUsed.set(state.lastUsed);
    this.uses.set(state.uses);
    this.decayedUses.set(state.decayedUses);
  }
}

/**
 * What an old use still counts, by its age within a half-life.
 *
 * @param halfLife After how many steps it counts half.
 * @returns round(65536 * 2 ** (-i / halfLife)): (halfLife)
 */
export function decayFactors(
  halfLife: number = DEFAULT_HALF_LIFE,
): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(
    { length: halfLife },
    (_, i) => Math.round(65536 * 2 ** (-i / halfLife)),
  );
}
