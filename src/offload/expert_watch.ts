/** Tells whoever wants to know what experts do. */

/** What the experts of a layer did in a step. Each is named at most once. */
export interface ExpertActivity {
  /** The layer, among those of the model. */
  readonly layer: number;
  /** Whether the step was a single token, or many of a prompt. */
  readonly phase: "decode" | "prefill";
  /** Those that were used where they were, on the GPU. */
  readonly hits: readonly number[];
  /** Those that were used, and had to be brought in. */
  readonly misses: readonly number[];
  /** Those of the misses of which at least a part had been brought in by a guess. */
  readonly prefetched: readonly number[];
  /** Those that were brought in by a guess, in part at least, and not used. */
  readonly wasted: readonly number[];
}

/** Hears what experts do. Whatever it throws is an error of the step. */
export type ExpertListener = (activity: ExpertActivity) => void;

/**
 * Knows who wants to hear what experts do. As long as nobody does, nothing need be
 * found out: ask {@linkcode ExpertWatch.isOn} first.
 */
export class ExpertWatch {
  readonly #listeners = new Set<{ readonly listener: ExpertListener }>();

  /** Whether anybody listens. */
  get isOn(): boolean {
    return this.#listeners.size > 0;
  }

  /**
   * Adds a listener.
   *
   * @param listener Hears of each layer of each step from now on.
   * @returns Takes it away when disposed of.
   */
  add(listener: ExpertListener): Disposable {
    const entry = { listener };
    this.#listeners.add(entry);
    return { [Symbol.dispose]: () => void this.#listeners.delete(entry) };
  }

  /** Tells all who listen. */
  tell(activity: ExpertActivity): void {
    for (const { listener } of this.#listeners) listener(activity);
  }
}
