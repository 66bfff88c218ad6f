/** From a checkpoint to how it is stored, with a look at what it holds. */

import { type Bits, dequantizeMeta, type Packed } from "hqq-ts";
import type { Checkpoint } from "../io/checkpoint.ts";
import { suspectCodes } from "./code_statistics.ts";
import type { ModelConfig } from "./config.ts";
import { readFlatParameters } from "./flat_parameters.ts";
import { firstMatrixOf } from "./matrices.ts";
import {
  detectLayout,
  type LayoutEvidence,
  type StoredLayout,
} from "./stored_layout.ts";
import { readValues } from "./read_matrix.ts";
import { matrixNames } from "./stored_matrix.ts";
import type { Part } from "./quantization.ts";

/**
 * Finds out how the weights of a checkpoint are stored, and checks what can be
 * checked: names, types and sizes of all quantized matrices, and the codes of the
 * first of each part.
 *
 * @param checkpoint The checkpoint.
 * @param config What the model is.
 * @param evidence What files beside it say.
 * @returns How each part is stored.
 * @throws {Error} If it is in no layout that we know.
 */
export async function readStoredLayout(
  checkpoint: Checkpoint,
  config: ModelConfig,
  evidence: Pick<LayoutEvidence, "declared" | "published">,
): Promise<StoredLayout> {
  const first = (part: Part) => firstMatrixOf(config, part);
  const parameters = (part: Part) =>
    evidence.declared === null
      ? readFlatParameters(checkpoint, first(part).base)
      : null;
  const layout = detectLayout(checkpoint, {
    ...evidence,
    config,
    flat: {
      attn: await parameters("attn"),
      experts: await parameters("experts"),
    },
  });
  if (evidence.declared !== null) return layout; // we trust ourselves
  for (const part of ["experts", "attn"] as const) {
    const stored = layout[part];
    if (stored.bits === 16) continue;
    const matrix = { ...first(part), part: stored };
    const names = matrixNames(checkpoint, matrix.base)!;
    const bytes = await checkpoint.read(names.codes);
    const packed: Packed = stored.bits as Bits === 3
      ? new Int32Array(bytes.buffer)
      : bytes;
    const zero = await readValues(checkpoint, matrix, names.zero);
    const problem = suspectCodes({
      ...matrix,
      packed,
      zero: dequantizeMeta(zero),
    });
    if (problem !== null) {
      throw new RangeError(
        `Cannot load ${names.codes} of ${checkpoint.directory}: ${problem}`,
      );
    }
  }
  return layout;
}
