/** What fuzzing says to people. */

import type { TargetResult } from "./_job.ts";

/**
 * Says how a target fared.
 *
 * @param result How.
 * @returns A line.
 */
export function resultLine(
  { target, cases, refused, ms, slowest, failure }: TargetResult,
): string {
  const seconds = (ms / 1000).toFixed(1);
  const share = (100 * refused / Math.max(1, cases)).toFixed(0);
  const end = failure === undefined ? "ok" : "FAILED";
  return `${target.padEnd(16)}${String(cases).padStart(9)} cases, ${
    share.padStart(3)
  } % refused, ${seconds.padStart(6)} s, at most ${
    slowest.ms.toFixed(0)
  } ms (case ${slowest.number})  ${end}`;
}

/**
 * Says what went wrong, and how to see it again.
 *
 * @param result How a target with a failure fared.
 * @param seed Where its random numbers began.
 * @returns Lines.
 */
export function failureText(
  { target, failure }: TargetResult,
  seed: number,
): string {
  const { what, path, input } = failure!;
  const name = target.replaceAll(" ", "-");
  return [
    what,
    ...input === undefined ? [] : [`input: ${input}`],
    `again: deno task fuzz --target ${name} --seed ${seed} --case ${path}`,
  ].join("\n");
}
