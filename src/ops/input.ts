/** How a kernel takes its inputs x: as they are, or under RMSNorm. */

import type { Constants, KernelSource } from "../gpu/kernel.ts";
import xNormed from "../../kernels/lib/x_normed.wgsl" with { type: "text" };
import xPlain from "../../kernels/lib/x_plain.wgsl" with { type: "text" };
import type { Rows } from "./op.ts";

/** An RMSNorm that is computed on the way into a product. */
export interface Norm {
  /** The weight (K) f32, padded with zeros to the stride of x. */
  readonly weight: GPUBuffer;
  /** Added to the mean square. */
  readonly epsilon: number;
}

/** Rows that a norm is computed of by whoever reads them. */
export interface NormedInput {
  /** The rows before the norm. */
  readonly x: Rows;
  /** The norm. */
  readonly norm: Norm;
}

/** The file that defines `input4`, `square4`, `input_scale` and `keep4`. */
export interface InputReading {
  /** The file. */
  readonly source: KernelSource;
  /** Its constants. */
  readonly constants: Constants;
  /** Its bindings. */
  readonly bindings: Readonly<Record<number, GPUBuffer>>;
}

/**
 * Picks how a kernel takes its inputs.
 *
 * @param norm The norm, if there is one.
 * @param kept Where the kernel keeps what it took, if it does.
 * @returns What the kernel needs.
 */
export function inputReading(
  norm: Norm | undefined,
  kept?: GPUBuffer,
): InputReading {
  if (norm === undefined) {
    const source = { name: "lib/x_plain.wgsl", code: xPlain };
    return { source, constants: {}, bindings: {} };
  }
  return {
    source: { name: "lib/x_normed.wgsl", code: xNormed },
    constants: { EPSILON: norm.epsilon },
    bindings: kept ? { 6: kept, 7: norm.weight } : { 7: norm.weight },
  };
}
