import type { ExpertActivity } from "../offload/expert_watch.ts";
import {
  hasSlot,
  logOf,
  type ResidencyLayout,
  stagedIn,
} from "../offload/residency_block.ts";
import type { DecidedBlocks } from "./count_decided.ts";

/**
 * What the experts of a layer did for a token for which the GPU decided.
 *
 * @param layout What is in a block.
 * @param blocks The layer, and its blocks before and after the token.
 * @param where Whether not all of the layer's experts are on the GPU, and whether
 * routers stage anything.
 * @returns What they did.
 */
export function decidedActivity(
  layout: ResidencyLayout,
  { layer, before, block }: Omit<DecidedBlocks, "previous">,
  { isOffloaded, isStaging }: { isOffloaded: boolean; isStaging: boolean },
): ExpertActivity {
  const ids = [...logOf(layout, block).ids];
  const isHit = (id: number) => !isOffloaded || hasSlot(layout, before, id);
  const misses = ids.filter((id) => !isHit(id));
  const { expert, byteLength } = stagedIn(block);
  const staged = isOffloaded && isStaging && byteLength > 0 ? [expert] : [];
  return {
    layer,
    phase: "decode",
    hits: ids.filter(isHit),
    misses,
    prefetched: staged.filter((id) => misses.includes(id)),
    wasted: staged.filter((id) => !misses.includes(id)),
  };
}
