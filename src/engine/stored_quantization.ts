/** What files beside the weights say of how these are quantized. */

import { showJson } from "../io/show_json.ts";
import { readJson } from "../io/json_file.ts";
import type { LayoutEvidence } from "../model/stored_layout.ts";
import type { Part, Quantization } from "../model/quantization.ts";

/** The field of `config.json` that `quantizeModel()` writes. */
export interface StoredQuantization {
  /** Marks the kind. */
  readonly "quant_method": "moeno-hqq";
  /** The attention's weights. */
  readonly attn: StoredPart;
  /** The experts' weights. */
  readonly experts: StoredPart;
}

/** Bits and groups of one part. */
export interface StoredPart {
  /** Bits of a code, or 16 for floats. */
  readonly bits: number;
  /** What a group is: 1 for inputs of an output row; else output rows. */
  readonly axis?: number;
  /** Weights that share scale and zero. */
  readonly "group_size": number;
  /** Scales that are quantized together; `null`: they are floats. */
  readonly "scale_group_size": number | null;
}

/**
 * Reads what `config.json` and `quantization_config.json` say, the second of which
 * mixtral-offloading's checkpoints have.
 *
 * @param directory The model's directory.
 * @param configJson The parsed `config.json`.
 * @returns What they say.
 * @throws {Error} If one is malformed, or names an unknown kind of quantization.
 */
export async function readQuantizationFiles(
  directory: string,
  configJson: unknown,
): Promise<Pick<LayoutEvidence, "declared" | "published">> {
  const declared = readStoredQuantization(
    configJson,
    `${directory}/config.json`,
  );
  try {
    const published = await readJson(`${directory}/quantization_config.json`);
    return { declared, published };
  } catch (error) {
    const { cause } = error as Error;
    if (!(cause instanceof Deno.errors.NotFound)) throw error;
    return { declared, published: null };
  }
}

/**
 * Reads `quantization_config`.
 *
 * @param configJson The parsed `config.json`.
 * @param file What errors call it.
 * @returns What is stored, or `null` if it is for the tensors to say.
 * @throws {RangeError} If the kind of quantization is unknown or malformed.
 */
export function readStoredQuantization(
  configJson: unknown,
  file: string,
): Record<Part, Quantization> | null {
  const stored = (configJson as { quantization_config?: unknown })
    .quantization_config;
  if (stored == null) return null;
  const fields = stored as Partial<StoredQuantization>;
  // HQQ says the rest beside each matrix.
  if (fields.quant_method as string === "hqq") return null;
  if (fields.quant_method !== "moeno-hqq") {
    throw new RangeError(
      `Cannot load a model from ${file}: its weights are quantized by ${
        showJson(fields.quant_method)
      }, wanted "moeno-hqq", "hqq" or weights that are not quantized`,
    );
  }
  return {
    attn: readPart("attn", fields.attn, file),
    experts: readPart("experts", fields.experts, file),
  };
}

/**
 * Makes `quantization_config`.
 *
 * @param parts How each part is stored.
 * @returns The field's value.
 */
export function storedQuantization(
  parts: Readonly<Record<Part, Quantization>>,
): StoredQuantization {
  return {
    "quant_method": "moeno-hqq",
    attn: storedPart(parts.attn),
    experts: storedPart(parts.experts),
  };
}

function storedPart(
  { bits, axis, groupSize, scaleGroupSize }: Quantization,
): StoredPart {
  return {
    bits,
    ...(axis === 0 ? {} : { axis }),
    "group_size": groupSize,
    "scale_group_size": scaleGroupSize,
  };
}

function readPart(
  part: Part,
  stored: StoredPart | undefined,
  file: string,
): Quantization {
  const {
    bits,
    axis = 0,
    group_size: groupSize,
    scale_group_size: scaleGroupSize,
  } = stored ?? {};
  const isCount = (value: unknown) =>
    Number.isInteger(value) && value as number > 0;
  if (
    ![16, 8, 4, 3, 2].includes(bits as number) ||
    (axis !== 0 && axis !== 1) ||
    (bits !== 16 && !(isCount(groupSize) &&
      (scaleGroupSize === null || isCount(scaleGroupSize))))
  ) {
    throw new RangeError(
      `Cannot load a model from ${file}: quantization_config.${part} is ${
        showJson(stored)
      }, wanted bits of 16, 8, 4, 3 or 2, an axis of 0 or 1, group_size and scale_group_size`,
    );
  }
  return {
    bits: bits as Quantization["bits"],
    axis,
    groupSize: groupSize ?? 0,
    scaleGroupSize: scaleGroupSize ?? null,
  };
}
