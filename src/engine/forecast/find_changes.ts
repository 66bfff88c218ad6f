/** Which flags would make a model faster: each is planned and judged again. */

import type { Change } from "./changes.ts";
import { changesOf } from "./changes.ts";
import type { Estimate } from "./estimate.ts";
import { type Judging, type Placement, tryPlan } from "./placements.ts";
import { NO_SLOTS } from "../no_slots.ts";
import type { Planned } from "./planned.ts";

/** A change that helps. */
export interface HelpfulChange extends Change {
  /** Slots of all layers with it. */
  readonly slotCount: number;
  /** Bytes on the GPU with it. */
  readonly vramByteLength: number;
  /** Tokens a second to be expected with it; `null` if nothing was measured. */
  readonly tokensPerSecond: number | null;
}

/** Less than this is within what measurements vary by. */
const LEAST_GAIN = 1.02;

/**
 * Looks for flags that help: those with which more tokens a second are to be
 * expected, or if nothing was measured, with which more experts are on the GPU.
 *
 * @param planned What is planned.
 * @param judging The model, how to judge it, and what came of it so far.
 * @returns The changes that help, the most helpful first.
 */
export async function findChanges(
  planned: Planned,
  judging: Judging & {
    readonly expected: Estimate;
    readonly placements: readonly Placement[];
  },
): Promise<HelpfulChange[]> {
  const { gpu, source, options, judge, expected, placements } = judging;
  const vramLimit = judging.gpuFacts.freeVramByteLength;
  const { numLocalExperts: expertCount } = source.config;
  const whole = tryPlan(gpu, source, {
    ...options,
    ...NO_SLOTS,
    slots: expertCount,
    vramByteLength: undefined,
  });
  // A budget has to hold the table of slots, too, before it turns out needless.
  const tableByteLength = whole === null ? 0 : Math.max(
    0,
    planned.plan.scratchByteLength - whole.plan.scratchByteLength,
  );
  const vramOf = (slots: number) => {
    const like = placements.find((placement) => placement.slots === slots);
    if (like === undefined) return null;
    return like.vramByteLength + (slots === expertCount ? tableByteLength : 0);
  };
  const changes = changesOf({
    options,
    plan: planned.plan,
    expertCount,
    bits: { attn: planned.attnBits, experts: planned.expertBits },
    contextLength: planned.contextLength,
    chunkSize: planned.chunkSize,
    vramOf,
    vramLimit,
    ramLimit: judging.ramByteLength,
  });
  const helpful: HelpfulChange[] = [];
  for (const change of changes) {
    const like = tryPlan(gpu, source, { ...options, ...change.options });
    if (like === null) continue;
    if (like.obstacle !== null && planned.obstacle === null) continue;
    const { slotCount, vramByteLength } = like.plan;
    if (vramByteLength > (vramLimit ?? Infinity)) continue;
    const { tokensPerSecond } = await judge(like);
    const before = expected.tokensPerSecond;
    const helps = before === null || tokensPerSecond === null
      ? slotCount > planned.plan.slotCount
      : tokensPerSecond >= before * LEAST_GAIN;
    if (!helps) continue;
    helpful.push({ ...change, slotCount, vramByteLength, tokensPerSecond });
  }
  return helpful.sort((a, b) =>
    (b.tokensPerSecond ?? 0) - (a.tokensPerSecond ?? 0) ||
    b.slotCount - a.slotCount
  );
}
