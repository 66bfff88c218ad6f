/** Tensors that are harmed before a test writes them. */

import {
  decodeFloats,
  encodeFloats,
  type FloatDtype,
} from "../src/io/float.ts";
import type { TensorSource } from "../src/io/safetensors_writer.ts";

/** Changes the tensors of a checkpoint. */
export type Harm = (tensors: TensorSource[]) => TensorSource[];

/**
 * Changes the floats of tensors.
 *
 * @param end How their names end.
 * @param fn Gives the values for those that there are.
 * @returns The harm; it fails if there is no such tensor.
 */
export function harmFloats(
  end: string,
  fn: (values: Float32Array<ArrayBuffer>) => Float32Array<ArrayBuffer>,
): Harm {
  return (tensors) => {
    const found = tensors.filter(({ name }) => name.endsWith(end));
    if (found.length === 0) throw new Error(`There is no tensor ...${end}`);
    return tensors.map((tensor) => {
      if (!found.includes(tensor)) return tensor;
      const dtype = tensor.dtype as FloatDtype;
      const values = decodeFloats(tensor.bytes as Uint8Array, dtype);
      return { ...tensor, bytes: encodeFloats(fn(values), dtype) };
    });
  };
}

/**
 * Puts a value into tensors.
 *
 * @param end How their names end.
 * @param at The element.
 * @param value What it becomes.
 * @returns The harm.
 */
export function harmOne(end: string, at: number, value: number): Harm {
  return harmFloats(end, (values) => {
    if (at >= values.length) throw new Error(`${end} has no element ${at}`);
    values[at] = value;
    return values;
  });
}

/**
 * Does some harm after the other.
 *
 * @param harms What to do.
 * @returns All of it.
 */
export function harmAll(...harms: readonly Harm[]): Harm {
  return (tensors) => harms.reduce((all, harm) => harm(all), tensors);
}
