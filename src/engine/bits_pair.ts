/** How many bits the weights of attention and experts have. */

import type { ModelConfig } from "../model/config.ts";
import { firstMatrixOf } from "../model/matrices.ts";
import type { Part } from "../model/quantization.ts";
import type { MatrixReader } from "../model/weight_reader.ts";
import type { WeightBits } from "./load_options.ts";

/** Bits of the weights of both parts. */
export interface BitsPair {
  /** Bits of the attention's weights; 16 for floats. */
  readonly attnBits: WeightBits;
  /** Bits of the experts' weights; 16 for floats. */
  readonly expertBits: WeightBits;
}

/**
 * Finds out the bits in which weights are read.
 *
 * @param reader The weights.
 * @param config What the model is.
 * @returns The bits of both parts.
 */
export function bitsOf(reader: MatrixReader, config: ModelConfig): BitsPair {
  const bits = (part: Part): WeightBits => {
    const { base, shape } = firstMatrixOf(config, part);
    const { scheme } = reader.layout(base, shape, part);
    return scheme.type === "HQQ" ? scheme.bits as WeightBits : 16;
  };
  return { attnBits: bits("attn"), expertBits: bits("experts") };
}
