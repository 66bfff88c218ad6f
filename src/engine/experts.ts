import type { Mixtral } from "../model/mixtral.ts";
import type { ExpertListener, ExpertWatch } from "../offload/expert_watch.ts";
import type { Plan } from "../offload/placement.ts";

/** Where a model's experts are, and what they do. */
export interface Experts {
  /** What went where when the model was loaded. */
  readonly plan: Plan;
  /**
   * Listens to what experts do: for each step, layer by layer, which were used and
   * whether they were there, and what became of guesses. Where the GPU decides, or
   * logs, it is heard after the step, and of tokens that run ahead after all of them,
   * up to 24. Layers whose experts are all on the GPU may be silent unless the model
   * was loaded with `LoadOptions.watchable`.
   *
   * @param listener Hears it; what it throws is an error of the generation.
   * @returns Ends it when disposed of.
   */
  watch(listener: ExpertListener): Disposable;
  /**
   * Which experts are on the GPU, as far as the host has heard.
   *
   * @returns For each layer the experts in its slots, in the order of the slots.
   */
  resident(): number[][];
}

/** The model that is loaded, and what went where. */
export interface LoadedExperts {
  readonly model: Pick<Mixtral, "caches" | "config">;
  readonly plan: Plan;
}

/**
 * Makes the view of a model's experts.
 *
 * @param model The model.
 * @param plan What went where.
 * @returns The view.
 *
 * @example Which experts were missing?
 * ```ts
 * import { load } from "../../mod.ts";
 * import { assert, assertEquals } from "@std/assert";
 *
 * using engine = await load("models/stories-17m-q", { slots: 2 });
 * let missCount = 0;
 * using _watch = engine.experts.watch(({ phase, misses }) => {
 *   if (phase === "decode") missCount += misses.length;
 * });
 * for await (const _ of engine.generate("Once upon a time", { maxTokens: 9 }));
 * assert(missCount > 0);
 * assertEquals(engine.experts.resident()[0]!.length, 2);
 * ```
 */
export function expertsOf(
  watch: ExpertWatch,
  loaded: () => LoadedExperts,
): Experts {
  return {
    get plan() {
      return loaded().plan;
    },
    watch: (listener) => watch.add(listener),
    resident() {
      const { model, plan } = loaded();
      const { numLocalExperts, numHiddenLayers } = model.config;
      const isResident = new Set(plan.residentLayers);
      const offloaded = model.caches.values();
      return Array.from({ length: numHiddenLayers }, (_, layer) => {
        if (isResident.has(layer)) return [...Array(numLocalExperts).keys()];
        const cache = offloaded.next().value;
        return cache?.state().filter((id) => id !== undefined) ?? [];
      });
    },
  };
}
