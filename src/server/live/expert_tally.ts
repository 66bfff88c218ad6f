import type { ExpertActivity } from "../../offload/expert_watch.ts";
import type { LiveUse } from "./live_event.ts";

/** The counts of an expert. */
interface Counts {
  hits: number;
  misses: number;
  prefetches: number;
}

/**
 * Adds up what experts do until somebody asks. It is at most a number of counts for
 * each expert of the model, however long nobody does.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ExpertTally } from "./expert_tally.ts";
 *
 * const tally = new ExpertTally();
 * const rest = { layer: 1, phase: "decode", prefetched: [], wasted: [3] } as const;
 * tally.add({ ...rest, hits: [0], misses: [2] });
 * tally.add({ ...rest, hits: [0, 2], misses: [] });
 * assertEquals(tally.take(), [[1, 0, 2, 0, 0], [1, 2, 1, 1, 0], [1, 3, 0, 0, 2]]);
 * assertEquals(tally.take(), []);
 * ```
 */
export class ExpertTally {
  /** By layer, then by expert. */
  readonly #layers = new Map<number, Map<number, Counts>>();

  /** Adds what the experts of a layer did in a step. */
  add(
    { layer, hits, misses, prefetched, wasted }: ExpertActivity,
  ): void {
    for (const expert of hits) this.#countsOf(layer, expert).hits++;
    for (const expert of misses) this.#countsOf(layer, expert).misses++;
    for (const expert of prefetched) this.#countsOf(layer, expert).prefetches++;
    for (const expert of wasted) this.#countsOf(layer, expert).prefetches++;
  }

  /**
   * Hands over the counts, and begins at 0.
   *
   * @returns Those of the experts that did anything, by layer and expert.
   */
  take(): LiveUse[] {
    const uses = [...this.#layers].flatMap(([layer, experts]) =>
      [...experts].map(([expert, { hits, misses, prefetches }]): LiveUse => [
        layer,
        expert,
        hits,
        misses,
        prefetches,
      ])
    );
    this.#layers.clear();
    return uses.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  }

  #countsOf(layer: number, expert: number): Counts {
    let experts = this.#layers.get(layer);
    if (experts === undefined) this.#layers.set(layer, experts = new Map());
    let counts = experts.get(expert);
    if (counts === undefined) {
      experts.set(expert, counts = { hits: 0, misses: 0, prefetches: 0 });
    }
    return counts;
  }
}
