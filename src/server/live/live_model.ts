import type { Plan } from "../../offload/placement.ts";
import type { ServedEngine } from "../served_engine.ts";
import type { LiveStore, ModelEvent } from "./live_event.ts";

/**
 * Says what is served.
 *
 * @param engine The model.
 * @returns The event that comes first.
 */
export function liveModel(
  { name, adapter, contextLength, config, experts }: Pick<
    ServedEngine,
    "name" | "adapter" | "contextLength" | "config" | "experts"
  >,
): ModelEvent {
  return {
    name,
    adapter,
    layerCount: config.numHiddenLayers,
    expertCount: config.numLocalExperts,
    topK: config.numExpertsPerTok,
    contextLength,
    slots: experts.plan.slots,
    store: storeOf(experts.plan),
  };
}

/** In short where experts are that are in no slot. */
function storeOf({ stores }: Pick<Plan, "stores">): LiveStore {
  const kinds = new Set(stores.map(({ kind }) => kind));
  if (kinds.size > 1) return "mixed";
  const [kind] = kinds;
  if (kind === undefined) return "resident";
  return kind === "array-buffer" ? "memory" : kind;
}
