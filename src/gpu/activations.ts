/** How exact inputs are where a single token's products are computed in integers. */

/**
 * How inputs are rounded for `lib/strip.wgsl`: by as much as float32 rounds, or to
 * integers of fewer bits, with a unit for 16 inputs.
 */
export type Activations = "float32" | "int16" | "int8";

/** All of them, the most exact first. */
export const ACTIVATIONS: readonly Activations[] = ["float32", "int16", "int8"];
