/** Where the exactness of activations counts. */

import type { Gpu } from "../gpu/device.ts";
import type { MatrixLayout } from "../ops/matrix.ts";
import { stripReading } from "../ops/strip.ts";
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
  { layers, expertLayout: { up, down } }: Pick<
    Weights,
    "layers" | "expertLayout"
  >,
): string[] {
  const isStrip = (layout: MatrixLayout, matrixCount = 1, hasParts = false) =>
    stripReading(gpu, { layout, hasParts, matrixCount, fills: false }) !== null;
  const attention = layers.flatMap(({ q, k, v, o }) => [q, k, v, o]);
  return [
    ...attention.some(({ layout }) => isStrip(layout)) ? [] : ["attention"],
    ...isStrip(up, 2) || isStrip(down, 1, true) ? [] : ["experts"],
  ];
}
