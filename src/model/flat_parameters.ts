/** What HQQ's safetensors say of a matrix, each number in a tensor of its own. */

import { showJson } from "../io/show_json.ts";
import type { Checkpoint } from "../io/checkpoint.ts";
import type { StoredMatrix } from "./stored_matrix.ts";
import type { Quantization } from "./quantization.ts";

/** The parameters of a matrix. */
export interface FlatParameters {
  /** Bits of a code as it is packed: 6 and 5 bits take 8. */
  readonly bits: Exclude<Quantization["bits"], 16>;
  /** What a group is: 0 for output rows of one input, 1 for inputs of one row. */
  readonly axis: 0 | 1;
  /** Weights that share scale and zero. */
  readonly groupSize: number;
  /** Output rows N and inputs K. */
  readonly shape: readonly [number, number];
}

/** HQQ's names of packings (hqq/core/quantize.py) that the kernels read. */
const PACKED_BITS: Readonly<Record<string, FlatParameters["bits"]>> = {
  "8bit_u8": 8,
  "4bit_u8": 4,
  "3bit_32": 3,
  "2bit_u8": 2,
};

/**
 * Reads the parameters of a matrix. HQQ encodes a whole number as a scalar, a
 * shape as a vector of int64, and text as its character codes
 * (`encode_safetensor_type` in hqq/core/utils.py).
 *
 * @param checkpoint The checkpoint.
 * @param base The name of the matrix' tensors without their ends.
 * @returns The parameters, or `null` if it stores none.
 * @throws {Error} If some are missing, or are of a kind that we do not read.
 */
export async function readFlatParameters(
  checkpoint: Checkpoint,
  base: string,
): Promise<FlatParameters | null> {
  if (!checkpoint.has(`${base}.packing`)) return null;
  const fail = (key: string, state: string) =>
    new RangeError(
      `Cannot load ${base}.${key} of ${checkpoint.directory}: it is ${state}`,
    );
  const integers = (key: string) => readIntegers(checkpoint, `${base}.${key}`);

  const packing = new TextDecoder().decode(
    await checkpoint.read(`${base}.packing`),
  );
  const bits = Object.hasOwn(PACKED_BITS, packing)
    ? PACKED_BITS[packing]
    : undefined;
  if (bits === undefined) {
    const wanted = Object.keys(PACKED_BITS).join(", ");
    throw fail(
      "packing",
      `${showJson(packing)}, wanted one of ${wanted}`,
    );
  }
  const [axis] = await integers("axis");
  if (axis !== 0 && axis !== 1) throw fail("axis", `${axis}, wanted 0 or 1`);
  const [groupSize] = await integers("group_size");
  if (groupSize === undefined || groupSize < 1) {
    throw fail("group_size", `${groupSize}, wanted a positive number`);
  }
  const shape = await integers("shape");
  if (shape.length !== 2) {
    throw fail("shape", `${showJson(shape)}, wanted output rows and inputs`);
  }
  return { bits, axis, groupSize, shape: [shape[0]!, shape[1]!] };
}

/**
 * Checks that a matrix is stored as others of its part, if it says how.
 *
 * @param checkpoint The checkpoint.
 * @param matrix The matrix, stored as the first of its part.
 * @throws {RangeError} If it is stored in another way.
 */
export async function checkFlatParameters(
  checkpoint: Checkpoint,
  { base, shape, part }: StoredMatrix,
): Promise<void> {
  const actual = await readFlatParameters(checkpoint, base);
  if (actual === null) return;
  const describe = (
    [N, K]: readonly [number, number],
    { bits, axis, groupSize }: Pick<
      Quantization,
      "bits" | "axis" | "groupSize"
    >,
  ) =>
    `${N} x ${K} at ${bits} bits in groups of ${groupSize} along axis ${axis}`;
  const [state, wanted] = [
    describe(actual.shape, actual),
    describe(shape, part),
  ];
  if (state === wanted) return;
  throw new RangeError(
    `Cannot load ${base} of ${checkpoint.directory}: it is ${state}, wanted ${wanted} as the others of its kind`,
  );
}

async function readIntegers(
  checkpoint: Checkpoint,
  name: string,
): Promise<number[]> {
  const { dtype } = checkpoint.info(name);
  const { buffer } = await checkpoint.read(name);
  switch (dtype) {
    case "U8":
      return [...new Uint8Array(buffer)];
    case "I32":
      return [...new Int32Array(buffer)];
    case "I64":
      return Array.from(new BigInt64Array(buffer), Number);
    default:
      throw new TypeError(
        `Cannot load ${name} of ${checkpoint.directory}: its dtype is ${dtype}, wanted I32, I64 or U8`,
      );
  }
}
