import type { EvictionPolicy } from "./eviction.ts";
import type { NamedExperts } from "./named_experts.ts";
import type { SlotTable } from "./slot_table.ts";
import type { UseHistory } from "./use_history.ts";

/**
 * Which slot has to give up its expert: of those whose expert is not named, the one
 * with the lowest score, the lowest slot on a tie. It empties none.
 * `kernels/lib/residency.wgsl` decides the same.
 *
 * @param table The slots, all of them filled.
 * @param options What scores are computed from, how, and who may not go.
 * @returns The slot, or -1 if there is none.
 */
export function findVictim(
  table: SlotTable,
  { history, score, named }: {
    history: UseHistory;
    score: EvictionPolicy;
    named: NamedExperts;
  },
): number {
  let victim = -1;
  let lowest = Infinity;
  for (let slot = 0; slot < table.slotCount; slot++) {
    const id = table.idIn(slot)!;
    if (named.has(id)) continue;
    const value = score(history, id);
    if (value >= lowest) continue;
    victim = slot;
    lowest = value;
  }
  return victim;
}
