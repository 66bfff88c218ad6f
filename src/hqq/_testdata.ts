/**
 * What the tests of this folder share: the reference's tensors, and chance with
 * a seed.
 *
 * @module
 */

import { halvesToFloat32 } from "./half.ts";
import type { Bits, Packed, QuantizedTensor } from "./mod.ts";

/** Tensors of a safetensors file; it trusts the file, as `src/io` must not. */
class Tensors {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #header: Record<
    string,
    { dtype: string; shape: number[]; "data_offsets": [number, number] }
  >;
  readonly #dataStart: number;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    this.#bytes = bytes;
    this.#dataStart = 8 + length;
    this.#header = JSON.parse(
      new TextDecoder().decode(bytes.subarray(8, this.#dataStart)),
    );
  }

  /** Names of all tensors. */
  names(): string[] {
    return Object.keys(this.#header);
  }

  /** Shape of a tensor of two dimensions. */
  shape(name: string): [number, number] {
    const [rows, columns] = this.#info(name).shape;
    return [rows!, columns!];
  }

  /** A tensor of type U8 or I32. */
  packed(name: string): Packed {
    const buffer = this.#buffer(name);
    return this.#info(name).dtype === "I32"
      ? new Int32Array(buffer)
      : new Uint8Array(buffer);
  }

  /** A tensor of type U8. */
  codes(name: string): Uint8Array {
    return new Uint8Array(this.#buffer(name));
  }

  /** The bits of a tensor of type F16. */
  halves(name: string): Uint16Array {
    return new Uint16Array(this.#buffer(name));
  }

  /** A tensor of type F32 or F16. */
  floats(name: string): Float32Array {
    return this.#info(name).dtype === "F16"
      ? halvesToFloat32(this.halves(name))
      : new Float32Array(this.#buffer(name));
  }

  /** A tensor of type F64. */
  doubles(name: string): Float64Array {
    return new Float64Array(this.#buffer(name));
  }

  #info(name: string) {
    const info = this.#header[name];
    if (info === undefined) throw new RangeError(`Cannot find ${name}`);
    return info;
  }

  /** A copy of a tensor's bytes, which in the file may lie at odd addresses. */
  #buffer(name: string): ArrayBuffer {
    const [start, end] = this.#info(name).data_offsets;
    return this.#bytes.buffer.slice(
      this.#dataStart + start,
      this.#dataStart + end,
    );
  }
}

/** A test vector of `index.json`: a matrix that HQQ's HEAD has quantized in float32. */
export interface Vector {
  readonly name: string;
  readonly nbits: Bits;
  readonly "group_size": number | null;
  readonly axis: 0 | 1;
  readonly "round_zero": boolean;
  readonly mse: number;
}

/** The test vectors. */
export const vectors: Vector[] = JSON.parse(
  Deno.readTextFileSync(testdata("index.json")),
);

/** The tensors of `vectors.safetensors`. */
export const vectorTensors: Tensors = read("vectors.safetensors");

/** The tensors of `offloading_layout.safetensors`, written by HQQ v0.1.1. */
export const offloadingTensors: Tensors = read("offloading_layout.safetensors");

/** The matrices of `offloading_layout.safetensors`. */
export const offloadingMatrices = [
  { name: "attn_4bit", bits: 4, groupSize: 64, metaGroupSize: 256 },
  { name: "attn_4bit_wide", bits: 4, groupSize: 64, metaGroupSize: 256 },
  { name: "experts_2bit", bits: 2, groupSize: 16, metaGroupSize: 128 },
  { name: "experts_2bit_b", bits: 2, groupSize: 16, metaGroupSize: 128 },
] as const;

/** A matrix of `offloading_layout.safetensors` as a checkpoint stores it. */
export function offloadingTensor(
  matrix: typeof offloadingMatrices[number],
): QuantizedTensor {
  const { name, bits, groupSize, metaGroupSize } = matrix;
  const t = offloadingTensors;
  const shape = t.shape(`${name}.W`);
  const meta = {
    shape: [1, shape[0] * shape[1] / groupSize],
    bits: 8,
    axis: 0,
  } as const;
  return {
    shape,
    bits,
    groupSize,
    axis: 0,
    channelWise: true,
    packed: t.packed(`${name}.W_q`),
    scale: {
      ...meta,
      groupSize: metaGroupSize,
      channelWise: true,
      packed: t.packed(`${name}.meta.scale_q`),
      scale: t.floats(`${name}.meta.meta_scale.scale`),
      zero: t.floats(`${name}.meta.meta_scale.zero`),
    },
    zero: {
      ...meta,
      groupSize: null,
      channelWise: false,
      packed: t.packed(`${name}.meta.zero_q`),
      scale: t.floats(`${name}.meta.meta_zero.scale`),
      zero: t.floats(`${name}.meta.meta_zero.zero`),
    },
  };
}

/** Numbers from 0 to 1, 1 excluded: mulberry32, good enough and the same everywhere. */
export function random(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Weights like a layer's: normal, with a heavy tail, standard deviation about 0.02. */
export function randomWeights(length: number, seed: number): Float32Array {
  const next = random(seed);
  return Float32Array.from({ length }, () => {
    const normal = Math.sqrt(-2 * Math.log(1 - next())) *
      Math.cos(2 * Math.PI * next());
    return 0.02 * normal * (next() < 0.02 ? 4 : 1);
  });
}

/** Root mean square of the differences. */
export function rmsError(a: Float32Array, b: Float32Array): number {
  return Math.sqrt(
    a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0) / a.length,
  );
}

/** Reads a safetensors file. */
function read(file: string): Tensors {
  return new Tensors(Deno.readFileSync(testdata(file)));
}

/** Where a file of `tests/testdata/hqq` is. */
function testdata(file: string): URL {
  return new URL(`../../tests/testdata/hqq/${file}`, import.meta.url);
}
