import type { ActivationsReport } from "../engine/activations.ts";
import type { LoadOptions } from "../engine/load_options.ts";
import type { FlagValue } from "./args.ts";
import type { Io } from "./io.ts";

/**
 * Makes what says on stderr, once and not with `--quiet`, where `--activations` has
 * no effect.
 *
 * @param values The values of the flags.
 * @param io Where to.
 * @returns Options of `load()`; none without the flag.
 */
export function tellActivations(
  values: Readonly<Record<string, FlagValue>>,
  io: Pick<Io, "err">,
): Pick<LoadOptions, "onActivations"> {
  if (values.activations === undefined || values.quiet === true) return {};
  let isTold = false;
  return {
    onActivations({ notice }: ActivationsReport) {
      if (notice === null || isTold) return;
      io.err(`${notice}\n`);
      isTold = true;
    },
  };
}
