/** From the tensors of a quantized matrix to where it is wanted. */

import {
  type Bits,
  codesPerWord,
  dequantizeMeta,
  type Packed,
  type QuantizedMeta,
  type QuantizedTensor,
} from "hqq-ts";
import type { Checkpoint } from "../io/checkpoint.ts";
import type { MatrixLayout } from "../ops/matrix.ts";
import { writeHqqMatrix } from "../ops/write_matrix.ts";
import { readFinite } from "./check_finite.ts";
import {
  checkMatrix,
  type StoredMatrix,
  type ValueNames,
} from "./stored_matrix.ts";

/**
 * Reads a quantized matrix as hqq-ts takes it.
 *
 * @param checkpoint The checkpoint.
 * @param matrix The matrix.
 * @returns The matrix, its codes in HQQ's packing.
 * @throws {Error} If a tensor is missing, or is not what it should be.
 */
export async function readMatrix(
  checkpoint: Checkpoint,
  matrix: StoredMatrix,
): Promise<QuantizedTensor> {
  const { shape, part } = matrix;
  const { axis, groupSize, packing } = part;
  const bits = part.bits as Bits;
  const names = checkMatrix(checkpoint, matrix);
  const bytes = await checkpoint.read(names.codes);
  let packed: Packed = bits === 3 ? new Int32Array(bytes.buffer) : bytes;
  if (packing === "common") packed = commonToBlock(packed, matrix);
  return {
    shape,
    bits,
    groupSize,
    axis,
    channelWise: true,
    packed,
    scale: await readValues(checkpoint, matrix, names.scale),
    zero: await readValues(checkpoint, matrix, names.zero),
  };
}

/**
 * Packs codes of neighbouring rows anew, in HQQ's blocks along axis 0: as
 * `unpackCommon` and `pack` of hqq-ts, but without all codes in between.
 */
function commonToBlock(
  common: Packed,
  { shape: [N, K], part: { bits, groupSize } }: StoredMatrix,
): Packed {
  const perWord = codesPerWord(bits as Bits);
  const G = N / groupSize;
  const P = Math.ceil(groupSize / perWord);
  const mask = 2 ** bits - 1;
  const block = bits === 3
    ? new Int32Array(P * G * K)
    : new Uint8Array(P * G * K);
  for (let n = 0; n < N; n++) {
    const member = Math.floor(n / G);
    const from = Math.floor(n / perWord) * K;
    const to = (member % P * G + n % G) * K;
    const right = bits * (perWord - 1 - n % perWord);
    const left = bits * (perWord - 1 - Math.floor(member / P));
    for (let k = 0; k < K; k++) {
      block[to + k]! |= ((common[from + k]! >> right) & mask) << left;
    }
  }
  return block;
}

/**
 * Reads the scales or zeros of a matrix; where they are quantized themselves, in
 * groups along axis 0.
 *
 * @param checkpoint The checkpoint.
 * @param matrix The matrix.
 * @param names Which of the two.
 * @returns Floats, or codes with scales and zeros.
 */
export async function readValues(
  checkpoint: Checkpoint,
  { shape: [N, K], part }: StoredMatrix,
  names: ValueNames,
): Promise<Float32Array | QuantizedMeta> {
  if ("floats" in names) return await readFinite(checkpoint, names.floats);
  const groupCount = N * K / part.groupSize;
  const scale = await readFinite(checkpoint, names.scale);
  return {
    shape: part.axis === 0 ? [1, groupCount] : [groupCount, 1],
    bits: 8,
    axis: 0,
    groupSize: groupCount / scale.length,
    channelWise: true,
    packed: await checkpoint.read(names.codes),
    scale,
    zero: await readFinite(checkpoint, names.zero),
  };
}

/**
 * Reads a quantized matrix to where it is wanted, without a copy where its bytes
 * lie in the file as they do in memory.
 *
 * @param checkpoint The checkpoint.
 * @param matrix The matrix.
 * @param options Its layout, and where to: `layout.wordCount * 4` bytes, all zero.
 * @throws {Error} If a tensor is missing, or is not what it should be.
 */
export async function placeMatrix(
  checkpoint: Checkpoint,
  matrix: StoredMatrix,
  { layout, into }: { layout: MatrixLayout; into: Uint8Array },
): Promise<void> {
  const { part } = matrix;
  const { N, K } = layout;
  const hasWholeRows = part.axis === 0 || N % layout.codesPerWord === 0;
  if (part.packing === "common" || K % 4 !== 0 || !hasWholeRows) {
    const tensor = await readMatrix(checkpoint, matrix);
    return writeHqqMatrix(layout, tensor, into);
  }
  const names = checkMatrix(checkpoint, matrix);
  const place = async (name: string, at: number) => {
    const { begin, end } = checkpoint.info(name);
    const target = into.subarray(at * 4, at * 4 + end - begin);
    await checkpoint.readInto(name, target);
  };
  const set = (floats: Float32Array, at: number) => {
    const { buffer, byteOffset, byteLength } = floats;
    into.set(new Uint8Array(buffer, byteOffset, byteLength), at * 4);
  };
  const placeValues = async (
    values: ValueNames,
    { at, metaAt, metaZeroAt }: Record<"at" | "metaAt" | "metaZeroAt", number>,
  ) => {
    if ("floats" in values || part.scaleGroupSize === null) {
      set(dequantizeMeta(await readValues(checkpoint, matrix, values)), at);
      return;
    }
    await place(values.codes, at);
    set(await readFinite(checkpoint, values.scale), metaAt);
    set(await readFinite(checkpoint, values.zero), metaZeroAt);
  };
  const { scaleAt, zeroAt, metaAt, metaCount } = layout;
  const zeroMetaAt = metaAt + 2 * metaCount;
  await Promise.all([
    place(names.codes, 0),
    placeValues(names.scale, {
      at: scaleAt,
      metaAt,
      metaZeroAt: metaAt + metaCount,
    }),
    placeValues(names.zero, {
      at: zeroAt,
      metaAt: zeroMetaAt,
      metaZeroAt: zeroMetaAt + 1,
    }),
  ]);
}
