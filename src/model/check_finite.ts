/** Weights that are no numbers are refused where they are read, by their name. */

import type { Checkpoint } from "../io/checkpoint.ts";
import { type CheckedDtype, firstNonFinite } from "../io/non_finite.ts";
import type { TensorInfo } from "../io/tensor_spec.ts";

/** Which tensor, and what is done with it. */
export interface CheckedTensor {
  /** What it is. */
  readonly info: Pick<TensorInfo, "name" | "shape">;
  /** The directory that it is from. */
  readonly directory: string;
  /**
   * What cannot be done if it holds others than numbers.
   *
   * @default {"load"}
   */
  readonly action?: string;
}

/**
 * Checks that floats are numbers.
 *
 * @param bytes The tensor's elements in order, little-endian.
 * @param dtype Their element type.
 * @param tensor Which tensor they are.
 * @throws {RangeError} If one is NaN or infinite; it says which.
 */
export function checkFinite(
  bytes: Uint8Array,
  dtype: CheckedDtype,
  { info: { name, shape }, directory, action = "load" }: CheckedTensor,
): void {
  const at = firstNonFinite(bytes, dtype);
  if (at < 0) return;
  const place = placeOf(at, shape).join(", ");
  const value = isNan(bytes, dtype, at) ? "a NaN" : "an infinity";
  throw new RangeError(
    `Cannot ${action} ${name} of ${directory}: it has ${value} at [${place}], wanted finite numbers`,
  );
}

/**
 * Reads a tensor of floats that must be numbers.
 *
 * @param checkpoint The checkpoint.
 * @param name The tensor's name.
 * @returns Its elements in order.
 * @throws {Error} If there is none of that name, or it cannot be read.
 * @throws {TypeError} If its dtype is no float.
 * @throws {RangeError} If one is NaN or infinite, or too large for float32.
 */
export async function readFinite(
  checkpoint: Checkpoint,
  name: string,
): Promise<Float32Array<ArrayBuffer>> {
  const floats = await checkpoint.readFloat32(name);
  checkFinite(new Uint8Array(floats.buffer), "F32", {
    info: checkpoint.info(name),
    directory: checkpoint.directory,
  });
  return floats;
}

/** The coordinates of an element, outermost first. */
function placeOf(index: number, shape: readonly number[]): number[] {
  const place: number[] = [];
  let left = index;
  for (const length of shape.toReversed()) {
    place.unshift(left % length);
    left = Math.floor(left / length);
  }
  return place;
}

/** Whether an element that is no number has a fraction: infinities have none. */
function isNan(bytes: Uint8Array, dtype: CheckedDtype, at: number): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (dtype === "F32") return Number.isNaN(view.getFloat32(at * 4, true));
  const fraction = dtype === "F16" ? 0x3ff : 0x7f;
  return (view.getUint16(at * 2, true) & fraction) !== 0;
}
