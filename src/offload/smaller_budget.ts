/** What to plan with when the GPU has less memory than was planned for. */

import type { Plan } from "./placement.ts";
import type { SlotsOptions } from "./slots_wish.ts";

/**
 * How much less to try than what the GPU refused: it needs memory of its own, too, and
 * loses the device if there is none.
 */
const LESS_SHARE = 0.1;

/**
 * Says how much VRAM to plan for after the GPU refused a part of a plan.
 *
 * @param plan The plan.
 * @param wishes What the user says of slots.
 * @param refusedByteLength Bytes that were too many.
 * @returns Bytes, fewer than the plan's; `null` if the slots were asked for, and so
 * are not ours to take away, or there are none to take.
 */
export function smallerBudget(
  plan: Pick<Plan, "vramByteLength">,
  wishes: SlotsOptions,
  refusedByteLength: number,
): number | null {
  const { slots = "auto", mainSize, offloadSize, offloadPerLayer } = wishes;
  const isAsked = slots !== "auto" ||
    [mainSize, offloadSize, offloadPerLayer].some((n) => n !== undefined);
  if (isAsked) return null;
  const tooMany = Math.min(refusedByteLength, plan.vramByteLength);
  const budget = Math.floor((1 - LESS_SHARE) * tooMany);
  return budget > 0 ? budget : null;
}

/**
 * Says what became of a plan that the GPU refused.
 *
 * @param refused The plan.
 * @param instead What is done instead.
 * @returns A sentence.
 */
export function describeRefusal(
  refused: Pick<Plan, "slotCount" | "vramByteLength">,
  instead: Pick<Plan, "slotCount" | "stores">,
): string {
  const kinds = instead.stores.map(({ kind }) => STORE_NAMES[kind]);
  const others = kinds.length === 0
    ? ""
    : `; other experts come from ${kinds.join(" and ")}`;
  return `The GPU refused the memory for ${refused.slotCount} experts: ${instead.slotCount} are on it now${others}`;
}

const STORE_NAMES = {
  pinned: "pinned memory",
  "array-buffer": "ordinary memory",
  disk: "disk",
} as const;
