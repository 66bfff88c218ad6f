/** The tensors that store a quantized matrix: names, types and sizes. */

import { type Bits, packedLength } from "hqq-ts";
import type { Dtype, TensorInfo } from "../io/tensor_spec.ts";
import type { Quantization } from "./quantization.ts";

/** Which codes share a word: HQQ's blocks, or mixtral-offloading's neighbours. */
export type Packing = "block" | "common";

/** How the matrices of a part are stored. */
export interface StoredPart extends Quantization {
  /**
   * Which codes share a word.
   *
   * @default {"block"}
   */
  readonly packing?: Packing;
}

/** What the headers of a checkpoint say; a `Checkpoint` is one. */
export interface TensorTable {
  /** What errors call it. */
  readonly directory: string;
  /** Tells whether there is a tensor of that name. */
  has(name: string): boolean;
  /** Tells what a tensor is. */
  info(name: string): TensorInfo;
}

/** Names of scales or zeros: of floats, or of codes with a scale and zero each. */
export type ValueNames =
  | { readonly floats: string }
  | { readonly codes: string; readonly scale: string; readonly zero: string };

/** Names of the tensors of a quantized matrix. */
export interface MatrixNames {
  /** Of the packed codes. */
  readonly codes: string;
  /** Of the scales. */
  readonly scale: ValueNames;
  /** Of the zeros. */
  readonly zero: ValueNames;
}

/** A matrix: which, of what shape, and how its part is stored. */
export interface StoredMatrix {
  /** The name of its tensors without their ends. */
  readonly base: string;
  /** Output rows N and inputs K. */
  readonly shape: readonly [number, number];
  /** How it is stored. */
  readonly part: StoredPart;
}

const FLOATS: readonly Dtype[] = ["F32", "F16", "BF16"];

/**
 * Finds the tensors of a quantized matrix. mixtral-offloading puts `meta.` before
 * what HQQ calls its scales and zeros.
 *
 * @param table The checkpoint.
 * @param base The name of its tensors without their ends.
 * @returns Their names, or `null` if it is not quantized.
 * @throws {Error} If there are codes without scales or zeros.
 */
export function matrixNames(
  table: TensorTable,
  base: string,
): MatrixNames | null {
  const codes = `${base}.W_q`;
  if (!table.has(codes)) return null;
  const find = (values: "scale" | "zero"): ValueNames => {
    for (const prefix of [`${base}.meta.`, `${base}.`]) {
      const name = `${prefix}${values}`;
      const meta = `${prefix}meta_${values}`;
      if (table.has(name)) return { floats: name };
      if (table.has(`${name}_q`)) {
        return {
          codes: `${name}_q`,
          scale: `${meta}.scale`,
          zero: `${meta}.zero`,
        };
      }
    }
    throw new Error(
      `Cannot load ${codes} of ${table.directory}: there are codes but no ${values}, wanted ${base}.meta.${values}_q or ${base}.${values}`,
    );
  };
  return { codes, scale: find("scale"), zero: find("zero") };
}

/**
 * Counts the bytes of packed codes.
 *
 * @param matrix The matrix.
 * @returns The bytes.
 */
export function codesByteLength({ shape, part }: StoredMatrix): number {
  const bits = part.bits as Bits;
  const [N, K] = shape;
  const grouped = groupedShape(shape, part);
  const rows = part.packing === "common" ? [N, K] as const : grouped;
  return packedLength({ bits, shape: rows }) * (bits === 3 ? 4 : 1);
}

/** The matrix as HQQ packs it: (groupSize, groups), along axis 1 the other way. */
function groupedShape(
  [N, K]: readonly [number, number],
  { axis, groupSize }: Quantization,
): readonly [number, number] {
  const groupCount = N * K / groupSize;
  return axis === 0 ? [groupSize, groupCount] : [groupCount, groupSize];
}

/**
 * Checks that the tensors of a quantized matrix are of the right types and sizes.
 * Their shapes do not matter: tools differ in what they make of the same bytes.
 *
 * @param table The checkpoint.
 * @param matrix The matrix.
 * @returns The names of its tensors.
 * @throws {Error} If a tensor is missing.
 * @throws {TypeError} If one is of another type.
 * @throws {RangeError} If one is of another size.
 */
export function checkMatrix(
  table: TensorTable,
  matrix: StoredMatrix,
): MatrixNames {
  const { base, shape: [N, K], part } = matrix;
  const { bits, groupSize, scaleGroupSize } = part;
  const groups = `for ${N} x ${K} at ${bits} bits in groups of ${groupSize}`;
  const names = matrixNames(table, base);
  const fail = (name: string, state: string) =>
    `Cannot load ${name} of ${table.directory}: ${state} ${groups}`;
  if (names === null) {
    throw new Error(
      fail(`${base}.W_q`, "there is no such tensor, wanted codes"),
    );
  }
  if (table.has(`${base}.bias`)) {
    throw new Error(fail(`${base}.bias`, "there is a bias, wanted none"));
  }
  const checkCount = (
    name: string,
    count: number,
    dtypes: readonly Dtype[],
  ) => {
    const { dtype, shape } = table.info(name);
    const actual = shape.reduce((a, b) => a * b, 1);
    if (!dtypes.includes(dtype)) {
      throw new TypeError(
        fail(name, `its dtype is ${dtype}, wanted ${dtypes.join(" or ")}`),
      );
    }
    if (actual !== count) {
      throw new RangeError(
        fail(name, `it has ${actual} elements, wanted ${count}`),
      );
    }
  };
  const { begin, end } = table.info(names.codes);
  const byteLength = codesByteLength(matrix);
  if (end - begin !== byteLength) {
    throw new RangeError(
      fail(names.codes, `it has ${end - begin} bytes, wanted ${byteLength}`),
    );
  }
  const groupCount = N * K / groupSize;
  for (const which of ["scale", "zero"] as const) {
    const values = names[which];
    if ("floats" in values) {
      checkCount(values.floats, groupCount, FLOATS);
      continue;
    }
    checkCount(values.codes, groupCount, ["U8"]);
    const metaCount = scaleGroupSize === null
      ? metaCountOf(table, values.scale)
      : which === "scale"
      ? groupCount / scaleGroupSize
      : 1;
    if (groupCount % metaCount !== 0) {
      throw new RangeError(
        fail(
          values.scale,
          `its ${metaCount} elements do not divide ${groupCount} scales or zeros, wanted a divisor`,
        ),
      );
    }
    checkCount(values.scale, metaCount, FLOATS);
    checkCount(values.zero, metaCount, FLOATS);
  }
  return names;
}

/**
 * Counts the scales of scales or zeros.
 *
 * @param table The checkpoint.
 * @param name The name of the tensor that holds them.
 * @returns How many there are.
 */
export function metaCountOf(table: TensorTable, name: string): number {
  return table.info(name).shape.reduce((a, b) => a * b, 1);
}
