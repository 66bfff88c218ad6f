/** How the weights of a checkpoint are stored: by what its headers say. */

import { showJson } from "../io/show_json.ts";
import type { ModelConfig } from "./config.ts";
import type { FlatParameters } from "./flat_parameters.ts";
import { firstMatrixOf, matricesOf, type NamedMatrix } from "./matrices.ts";
import {
  checkMatrix,
  codesByteLength,
  matrixNames,
  metaCountOf,
  type Packing,
  type StoredPart,
  type TensorTable,
} from "./stored_matrix.ts";
import { GROUP_SIZES, type Part, type Quantization } from "./quantization.ts";

/** How the matrices of each part are stored: 16 bits for floats. */
export type StoredLayout = Readonly<Record<Part, StoredPart>>;

/** What is known of a checkpoint besides its headers. */
export interface LayoutEvidence {
  /** What the model is. */
  readonly config: ModelConfig;
  /** What `config.json` declares, if `quantizeModel()` wrote it; else `null`. */
  readonly declared: Readonly<Record<Part, Quantization>> | null;
  /** mixtral-offloading's `quantization_config.json`, parsed; else `null`. */
  readonly published: unknown;
  /** What HQQ stored beside the first matrix of each part; `null`: nothing. */
  readonly flat: Readonly<Record<Part, FlatParameters | null>>;
}

/**
 * Finds out how the weights of a checkpoint are stored, and checks that all
 * quantized matrices are there and of the right sizes.
 *
 * Weights may be floats, our own, mixtral-offloading's or HQQ's, each part by
 * itself. mixtral-offloading says nothing in its files: bits, groups and packing
 * follow from numbers of bytes. Where these are the same for both packings it is
 * HQQ's, unless the experts are certainly in the other.
 *
 * @param table The headers.
 * @param evidence What else is known.
 * @returns How each part is stored.
 * @throws {Error} If a tensor is missing or of the wrong kind, or the evidence is
 * contradictory.
 */
export function detectLayout(
  table: TensorTable,
  evidence: LayoutEvidence,
): StoredLayout {
  const { config } = evidence;
  const experts = detectPart(table, evidence, {
    part: "experts",
    fallback: "block",
  });
  const attn = detectPart(table, evidence, {
    part: "attn",
    fallback: experts.packing ?? "block",
  });
  const layout = { attn, experts };
  for (const part of ["attn", "experts"] as const) {
    if (layout[part].bits === 16) continue;
    for (const matrix of matricesOf(config, part)) {
      checkMatrix(table, { ...matrix, part: layout[part] });
    }
  }
  return layout;
}

function detectPart(
  table: TensorTable,
  { config, declared, published, flat }: LayoutEvidence,
  { part, fallback }: { part: Part; fallback: Packing },
): StoredPart {
  const matrix = firstMatrixOf(config, part);
  const { base } = matrix;
  const says = declared?.[part];
  const names = matrixNames(table, base);
  const hasFloats = table.has(`${base}.weight`);
  if (hasFloats && names !== null) {
    throw new Error(
      `Cannot load ${base} of ${table.directory}: it has both weight and W_q, wanted one of them`,
    );
  }
  if (names === null) {
    if (says !== undefined && says.bits !== 16) {
      throw new Error(
        `Cannot load ${base}.W_q of ${table.directory}: there is no such tensor, wanted ${says.bits}-bit codes as config.json says`,
      );
    }
    return { bits: 16, ...GROUP_SIZES[16] };
  }
  if (says !== undefined) return says;
  const parameters = flat[part];
  if (parameters !== null) {
    checkShape(table, matrix, parameters);
    const { bits, axis, groupSize } = parameters;
    const stored = { bits, axis, groupSize, packing: "block" } as const;
    return {
      ...stored,
      scaleGroupSize: scaleGroupSizeOf(table, matrix, stored),
    };
  }
  const stored = inferPart(table, matrix, fallback);
  checkPublished(table, published, { part, stored });
  return stored;
}

/** Bits, groups and packing from numbers of bytes. */
function inferPart(
  table: TensorTable,
  matrix: NamedMatrix,
  fallback: Packing,
): StoredPart {
  const { base, shape: [N, K] } = matrix;
  const { codes, scale } = matrixNames(table, base)!;
  const info = table.info(codes);
  const scaleName = "floats" in scale ? scale.floats : scale.codes;
  const groupCount = metaCountOf(table, scaleName);
  const groupSize = N * K / groupCount;
  const fail = (name: string, state: string) =>
    new RangeError(`Cannot load ${name} of ${table.directory}: ${state}`);
  if (!Number.isInteger(groupSize) || N % groupSize !== 0) {
    throw fail(
      scaleName,
      `it has ${groupCount} elements, wanted as many as there are groups of rows in ${N} x ${K}`,
    );
  }
  const byteLength = info.end - info.begin;
  const wanted: number[] = [];
  for (const bits of info.dtype === "I32" ? [3] as const : [4, 2, 8] as const) {
    const stored = { bits, axis: 0, groupSize, scaleGroupSize: null } as const;
    const fits = (packing: Packing) => {
      if (packing === "common" && bits === 8) return false;
      const part = { ...stored, packing };
      wanted.push(codesByteLength({ ...matrix, part }));
      return wanted.at(-1) === byteLength;
    };
    const packings = (["block", "common"] as const).filter(fits);
    if (packings.length === 0) continue;
    const packing = packings.length === 2 ? fallback : packings[0]!;
    const scaleGroupSize = scaleGroupSizeOf(table, matrix, stored);
    return { ...stored, scaleGroupSize, packing };
  }
  throw fail(
    codes,
    `it has ${byteLength} bytes of ${info.dtype}, wanted ${
      [...new Set(wanted)].join(" or ")
    } for ${N} x ${K} in groups of ${groupSize}`,
  );
}

/**
 * How many scales share a meta scale, if scales and zeros are quantized as the
 * kernels read them: scales in groups along axis 0, zeros with one scale for all.
 * Others are dequantized on loading.
 */
function scaleGroupSizeOf(
  table: TensorTable,
  { base, shape: [N, K] }: NamedMatrix,
  { axis, groupSize }: Pick<StoredPart, "axis" | "groupSize">,
): number | null {
  const { scale, zero } = matrixNames(table, base)!;
  if (axis === 1 || "floats" in scale || "floats" in zero) return null;
  const metaCount = metaCountOf(table, scale.scale);
  const isOneForAll = metaCount === 1; // not the same size in other matrices
  const size = N * K / groupSize / metaCount;
  return metaCountOf(table, zero.scale) === 1 && !isOneForAll &&
      Number.isInteger(size)
    ? size
    : null;
}

function checkShape(
  table: TensorTable,
  { base, shape: [N, K] }: NamedMatrix,
  { shape }: FlatParameters,
): void {
  if (shape[0] === N && shape[1] === K) return;
  throw new RangeError(
    `Cannot load ${base}.shape of ${table.directory}: it is ${
      shape.join(" x ")
    }, wanted ${N} x ${K}`,
  );
}

/** Bits and groups as `quantization_config.json` has them, if it says so. */
function checkPublished(
  table: TensorTable,
  published: unknown,
  { part, stored }: { part: Part; stored: StoredPart },
): void {
  const fields = asRecord(asRecord(published)[part]);
  const weights = asRecord(fields.weight_quant_params ?? fields);
  const scales = asRecord(fields.scale_quant_params);
  for (
    const [name, says, found] of [
      ["nbits", weights.nbits, stored.bits],
      ["group_size", weights.group_size, stored.groupSize],
      ["scale group_size", scales.group_size, stored.scaleGroupSize],
    ] as const
  ) {
    if (says == null || found === null || says === found) continue;
    throw new RangeError(
      `Cannot load the ${part} of ${table.directory}: by the sizes of its tensors ${name} is ${found}, wanted ${
        showJson(says)
      } as quantization_config.json says`,
    );
  }
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null
    ? value as Record<string, unknown>
    : {};
}
