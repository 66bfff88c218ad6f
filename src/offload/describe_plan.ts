import { formatByteLength } from "../io/byte_length.ts";
import { counted } from "../io/counted.ts";
import type { Plan } from "./placement.ts";
import type { StorePart } from "./plan_stores.ts";

/**
 * Writes a plan for people.
 *
 * ```text
 * VRAM   7.9 GiB: trunk 1.2 GiB, KV cache 1.0 GiB, scratch 64.0 MiB, 88 slots …
 * slots  2 in layers 0-7, 3 in layers 8-31
 * RAM    15.8 GiB: 256 experts pinned (15.8 GiB)
 * - Slots: 88, what 8.0 GiB of VRAM hold beside …
 * ```
 *
 * @param plan The plan.
 * @returns Lines, without a line break at the end.
 */
export function describePlan(plan: Plan): string {
  const { slotCount, stagingSlotCount, expertByteLength } = plan;
  const vram = [
    `trunk ${formatByteLength(plan.trunkByteLength)}`,
    `KV cache ${formatByteLength(plan.kvByteLength)}`,
    `scratch ${formatByteLength(plan.scratchByteLength)}`,
    `${slotCount} slots ${formatByteLength(plan.slotsByteLength)}`,
  ];
  if (stagingSlotCount > 0) {
    const size = formatByteLength(stagingSlotCount * expertByteLength);
    vram.push(`${stagingSlotCount} staging slots ${size}`);
  }
  return [
    `VRAM   ${formatByteLength(plan.vramByteLength)}: ${vram.join(", ")}`,
    `slots  ${describeSlots(plan.slots)}`,
    `RAM    ${formatByteLength(plan.ramByteLength)}${
      plan.stores.map(describeStore).map((text, i) =>
        (i === 0 ? ": " : ", ") + text
      ).join("")
    }`,
    ...plan.reasons.map((reason) => `- ${reason}`),
  ].join("\n");
}

/** `2 in layers 0-7, 3 in layers 8-31` */
function describeSlots(slots: readonly number[]): string {
  const runs: string[] = [];
  let first = 0;
  for (let layer = 1; layer <= slots.length; layer++) {
    if (slots[layer] === slots[first]) continue;
    const last = layer - 1;
    runs.push(
      first === last
        ? `${slots[first]} in layer ${first}`
        : `${slots[first]} in layers ${first}-${last}`,
    );
    first = layer;
  }
  return runs.join(", ");
}

function describeStore(store: StorePart): string {
  const experts = counted(store.expertCount, "expert");
  const size = formatByteLength(store.ramByteLength);
  return store.kind === "disk"
    ? `${experts} on disk (${store.ramExpertCount} cached, ${size})`
    : `${experts} ${store.kind} (${size})`;
}
