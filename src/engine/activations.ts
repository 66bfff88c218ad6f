/** The option of loading that says how exact activations are. */

import { ACTIVATIONS, type Activations } from "../gpu/activations.ts";

/** How exact activations are, and who hears of it. */
export interface ActivationsOptions {
  /**
   * How exact the inputs of a quantized matrix are while single tokens run: as
   * float32, or rounded to integers of 16 or 8 bits, with a unit for 16 of them.
   * 8 bits were a fifth faster on an H200. It counts where a GPU reads a matrix in
   * strips; prompts and everything else are float32. Where experts lie changes
   * nothing either way.
   *
   * @default {"float32"}
   */
  activations?: Activations | undefined;
  /** Hears how exact they are, and where that has no effect, when loaded. */
  onActivations?: ((report: ActivationsReport) => void) | undefined;
}

/** How exact activations are. */
export interface ActivationsReport {
  /** What was asked for. */
  readonly activations: Activations;
  /** Why it has no effect on the model or on a part; `null` if it has on all. */
  readonly notice: string | null;
}

/**
 * Checks the option.
 *
 * @param activations What was asked for.
 * @throws {RangeError} If there is no such word.
 */
export function checkActivations(activations: Activations = "float32"): void {
  if (ACTIVATIONS.includes(activations)) return;
  throw new RangeError(
    `Cannot load the model: activations is ${
      JSON.stringify(activations)
    }, wanted one of ${ACTIVATIONS.join(", ")}`,
  );
}

/**
 * Says what the option does.
 *
 * @param activations What was asked for.
 * @param where On what it runs, and the parts that it does not reach.
 * @returns The report.
 */
export function activationsReport(
  activations: Activations,
  { adapter, isSoftware, unreached }: {
    adapter: string;
    isSoftware: boolean;
    unreached: readonly string[];
  },
): ActivationsReport {
  if (activations === "float32" || unreached.length === 0) {
    return { activations, notice: null };
  }
  const where = unreached.length > 1 ? "here" : `on the ${unreached[0]}`;
  const why = isSoftware
    ? `${adapter} is a program on the CPU, which computes in float32`
    : "only what a GPU reads in strips is computed in integers: 8 to 2 bits, along axis 0 with quantized scales or along axis 1, inputs, meta scales and groups of inputs in multiples of 16";
  return {
    activations,
    notice: `--activations ${activations} has no effect ${where}: ${why}`,
  };
}
