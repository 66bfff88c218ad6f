/** Where the exactness of activations counts. */

import type { Gpu } from "../gpu/device.ts";
import { expertStrips } from "../ops/experts.ts";
import type { Matrix } from "../ops/matrix.ts";
import { matrixStrips } from "../ops/matvec.ts";
import type { Weights } from "./upload.ts";

/**
 * Finds the parts of a model that are not computed in integers for a single token,
 * so that `Gpu.activations` says nothing of them.
 *
 * @param gpu The GPU.
 * @param weights The model.
 * @returns Their names, such as `attention`.
 */
export function partsWithoutStrips(
  gpu: Gpu,
  { layers, expertLayout }: Pick<Weights, "layers" | "expertLayout">,
): string[] {
  const isStrip = ({ layout }: Matrix) => matrixStrips(gpu, layout) !== null;
  const attention = layers.flatMap(({ q, k, v, o }) => [q, k, v, o]);
  const { up, down } = expertStrips(gpu, expertLayout);
  return [
    ...attention.some(isStrip) ? [] : ["attention"],
    ...up ?? down ? [] : ["experts"],
  ];
}
