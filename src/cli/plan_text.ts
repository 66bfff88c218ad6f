import { describePlan } from "../offload/describe_plan.ts";
import type { Plan } from "../offload/placement.ts";
import { LINE_WIDTH, wrapBeside } from "./wrap.ts";

/**
 * Writes a plan for a terminal: what `describePlan()` says, in lines that fit.
 *
 * @param plan The plan.
 * @returns Lines, without a line break at the end.
 */
export function planText(plan: Plan): string {
  return describePlan(plan).split("\n").flatMap((line) => {
    const [label] = /^(- |\w+ +)?/.exec(line)!;
    return wrapBeside(label, line.slice(label.length), LINE_WIDTH);
  }).join("\n");
}
