/** Which weights go with which rows: what products for the trunk and for experts differ in. */

import type { Cost } from "../gpu/encodable.ts";
import type { Constants, KernelSource } from "../gpu/kernel.ts";
import { productCost } from "./cost.ts";
import type { MatrixLayout } from "./matrix.ts";

/** Which weights and rows a product works on: a `lib/pick_*.wgsl` and its needs. */
export interface WeightPick {
  /** Define `pick`, `weights_at`, `x_row` and `y_row`. */
  readonly sources: readonly KernelSource[];
  /** Its constants. */
  readonly constants: Constants;
  /** Its bindings. */
  readonly bindings: Readonly<Record<number, GPUBuffer>>;
  /** How many rows of y there are. */
  readonly count: number;
  /**
   * Rows of y for each token, of all that is picked together, on average: for
   * profiles.
   *
   * @default {count}
   */
  readonly rowsPerToken?: number;
  /**
   * Where missing weights are read on the way. Only strips do.
   *
   * @default {undefined} no weights are missing
   */
  readonly misses?: MissReading | undefined;
}

/** Where a kernel reads what is missing in a slot: a `lib/miss_*.wgsl`. */
export interface MissReading {
  /** Defines `missing`. */
  readonly source: KernelSource;
  /** Its constants. */
  readonly constants: Constants;
  /** Its bindings. */
  readonly bindings: Readonly<Record<number, GPUBuffer>>;
}

/**
 * Says what a product takes, for profiles.
 *
 * @param pick Which weights go with which rows.
 * @param layouts How the matrices lie that each row meets.
 * @returns What a step takes.
 */
export function costOf(
  { count, rowsPerToken = count, misses }: WeightPick,
  ...layouts: readonly MatrixLayout[]
): (tokenCount: number) => Cost {
  const shape = { layouts, pickCount: count, rowsPerToken };
  if (misses === undefined) {
    return (tokenCount) => productCost(shape, tokenCount);
  }
  // What is missing it reads over the bus instead.
  return (tokenCount) => {
    const cost = productCost(shape, tokenCount);
    return { ...cost, missByteLength: cost.byteLength! };
  };
}
