import { dim } from "@std/fmt/colors";
import type { TuningReport } from "../engine/open_gpu.ts";
import { describeTuning } from "../gpu/tuning.ts";
import type { FlagValue } from "./args.ts";
import type { Io } from "./io.ts";

/**
 * Says on stderr which tuning is in force if that is wanted, and in any case but
 * `--quiet` why a table that is there does not count.
 *
 * @param report What is in force.
 * @param values The values of the flags.
 * @param io Where to.
 */
export function tellTuning(
  report: TuningReport,
  values: Readonly<Record<string, FlagValue>>,
  io: Pick<Io, "err">,
): void {
  if (report.notice !== null && !values.quiet) io.err(`${report.notice}\n`);
  if (values.verbose) io.err(dim(`# tuning: ${tuningLine(report)}`) + "\n");
}

/**
 * Says which tuning is in force.
 *
 * @param report What is in force.
 * @returns Such as `upUnits 4, from /home/me/.cache/moeno/tuning/nvidia-h100.json`.
 */
export function tuningLine({ source, tuning, path }: TuningReport): string {
  const values = describeTuning(tuning);
  return source === "table" ? `${values}, from ${path}` : values;
}
