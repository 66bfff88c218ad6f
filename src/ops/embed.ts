/** The embedding look-up: x[t] = embedding[token[t]]. */

import type { Gpu } from "../gpu/device.ts";
import embedCode from "../../kernels/embed.wgsl" with { type: "text" };
import type { Matrix } from "./matrix.ts";
import { kernelOp, NO_REDUCTION, type Op, reduction, type Rows } from "./op.ts";

/** Options for {@linkcode embed}. */
export interface EmbedOptions {
  /** The embedding (vocabSize, K), not quantized. */
  readonly matrix: Matrix;
  /** The token ids (T) u32. */
  readonly tokens: GPUBuffer;
  /** The rows of x (T, K). */
  readonly x: Rows;
}

/**
 * Makes x[t] = embedding[token[t]].
 *
 * @param gpu The GPU.
 * @param options The embedding and the rows.
 * @returns The op.
 */
export function embed(gpu: Gpu, options: EmbedOptions): Promise<Op> {
  const { matrix: { buffer, layout }, tokens, x } = options;
  const { WG } = reduction(gpu, 64).constants;
  return kernelOp(gpu, {
    sources: [layout.sources[0]!, NO_REDUCTION, {
      name: "embed.wgsl",
      code: embedCode,
    }],
    constants: { WG, K: layout.K, X_STRIDE: x.stride },
    bindings: { 0: buffer, 1: tokens, 2: x.buffer },
    workgroups: (tokenCount) => [tokenCount],
    cost: (tokenCount) => ({ byteLength: 4 * layout.rowWords * tokenCount }),
  });
}
