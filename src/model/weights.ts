/** From the tensors of a checkpoint to matrices as the kernels read them. */

import { quantize, type QuantizedMeta, type QuantizedTensor } from "hqq-ts";
import type { Checkpoint } from "../io/checkpoint.ts";
import type { Dtype } from "../io/tensor_spec.ts";
import {
  type HqqScheme,
  type MatrixLayout,
  matrixLayout,
  type Scheme,
  writeFloatMatrix,
  writeHqqMatrix,
} from "../ops/matrix.ts";

/** The parts of a model that are quantized, each in its own way. */
export type Part = "attn" | "experts";

/** How to quantize a part: 16 bits for the checkpoint's own floats. */
export interface Quantization {
  /** Bits of a code. */
  readonly bits: 16 | 8 | 4 | 3 | 2;
  /** Output rows that share scale and zero. */
  readonly groupSize: number;
  /** Scales that share a meta scale and a meta zero. */
  readonly scaleGroupSize: number;
}

/** Group sizes of mixtral-offloading (arXiv 2312.17238, section 3.3). */
export const GROUP_SIZES: Readonly<
  Record<Quantization["bits"], Omit<Quantization, "bits">>
> = {
  16: { groupSize: 0, scaleGroupSize: 0 },
  8: { groupSize: 64, scaleGroupSize: 256 },
  4: { groupSize: 64, scaleGroupSize: 256 },
  3: { groupSize: 64, scaleGroupSize: 128 },
  2: { groupSize: 16, scaleGroupSize: 128 },
};

const FLOATS: readonly Dtype[] = ["F32", "F16", "BF16"];

/** Tensors of a quantized matrix, as mixtral-offloading names them. */
export const HQQ_SUFFIXES = {
  codes: "W_q",
  scaleCodes: "meta.scale_q",
  metaScale: "meta.meta_scale.scale",
  metaZero: "meta.meta_scale.zero",
  zeroCodes: "meta.zero_q",
  zeroScale: "meta.meta_zero.scale",
  zeroZero: "meta.meta_zero.zero",
} as const;

/** Where the matrices of a model come from. */
export interface MatrixReader {
  /** How many matrices may be read at the same time, where not any number. */
  readonly parallelReadCount?: number | undefined;
  /** Lays out a float matrix that is never quantized, by its tensor's name. */
  floatLayout(name: string, shape: readonly [number, number]): MatrixLayout;
  /** Lays out a matrix of a part, by its tensor's name without `.weight`. */
  layout(
    base: string,
    shape: readonly [number, number],
    part: Part,
  ): MatrixLayout;
  /** Writes a matrix in its layout. */
  write(base: string, layout: MatrixLayout, into: Uint8Array): Promise<void>;
  /** Reads a vector or a small matrix as float32. */
  readFloats(
    name: string,
    shape: readonly number[],
  ): Promise<Float32Array<ArrayBuffer>>;
}

/** Reads matrices of a checkpoint, quantizing on the way if asked. */
export class WeightReader implements MatrixReader {
  /** 1 where it quantizes: the floats of a matrix take much memory. */
  readonly parallelReadCount: number | undefined;
  readonly #checkpoint: Checkpoint;
  readonly #stored: Readonly<Record<Part, Quantization>> | null;
  readonly #wanted: Readonly<Partial<Record<Part, Quantization>>>;

  /**
   * Constructs a reader.
   *
   * @param checkpoint The tensors.
   * @param options What is stored (`null`: floats) and what is wanted
   * (`undefined`: as stored).
   * @throws {RangeError} If a quantized part is wanted in other bits.
   */
  constructor(checkpoint: Checkpoint, options: {
    stored: Readonly<Record<Part, Quantization>> | null;
    wanted: Readonly<Partial<Record<Part, Quantization>>>;
  }) {
    this.#checkpoint = checkpoint;
    this.#stored = options.stored;
    this.#wanted = options.wanted;
    for (const part of ["attn", "experts"] as const) {
      const stored = options.stored?.[part] ?? { bits: 16 };
      const wanted = options.wanted[part];
      if (wanted === undefined) continue;
      if (stored.bits === 16 && wanted.bits < 16) this.parallelReadCount = 1;
      if (stored.bits === 16) continue;
      if (wanted.bits !== stored.bits) {
        throw new RangeError(
          `Cannot load ${checkpoint.directory} with ${wanted.bits} bits for the ${part}: it is already quantized to ${stored.bits}; quantize from the original weights`,
        );
      }
    }
  }

  /**
   * Lays out a float matrix that is never quantized.
   *
   * @param name The tensor's name.
   * @param shape Output rows N and inputs K.
   * @returns The layout.
   * @throws {Error} If the checkpoint has no such tensor of this shape.
   */
  floatLayout(name: string, shape: readonly [number, number]): MatrixLayout {
    const { dtype } = this.#checkpoint.expect(name, { shape, dtypes: FLOATS });
    return matrixLayout(name, shape, { type: dtype } as Scheme);
  }

  /**
   * Lays out a matrix of a part.
   *
   * @param base The tensor's name without `.weight`.
   * @param shape Output rows N and inputs K.
   * @param part Which part it belongs to.
   * @returns The layout.
   * @throws {Error} If the checkpoint has no such tensor of this shape.
   */
  layout(
    base: string,
    shape: readonly [number, number],
    part: Part,
  ): MatrixLayout {
    const stored = this.#stored?.[part];
    if (stored !== undefined && stored.bits !== 16) {
      return matrixLayout(base, shape, schemeOf(stored));
    }
    const wanted = this.#wanted[part];
    const asFloats = this.floatLayout(`${base}.weight`, shape);
    if (wanted === undefined || wanted.bits === 16) return asFloats;
    return matrixLayout(base, shape, schemeOf(wanted));
  }

  /**
   * Writes a matrix in its layout.
   *
   * @param base The tensor's name without `.weight`.
   * @param layout Its layout.
   * @param into Where to: `layout.wordCount * 4` bytes, all zero.
   */
  async write(
    base: string,
    layout: MatrixLayout,
    into: Uint8Array,
  ): Promise<void> {
    if (layout.scheme.type === "HQQ") {
      writeHqqMatrix(layout, await this.readHqq(base, layout), into);
    } else {
      const name = `${base}.weight`;
      const { N, K, scheme } = layout;
      this.#checkpoint.expect(name, { shape: [N, K], dtypes: [scheme.type] });
      const bytes = await this.#checkpoint.read(name);
      writeFloatMatrix(layout, bytes, into);
    }
  }

  /**
   * Reads a quantized matrix, or reads a float one and quantizes it.
   *
   * @param base The tensor's name without `.weight`.
   * @param layout Its layout, of an HQQ scheme.
   * @returns The matrix.
   */
  async readHqq(base: string, layout: MatrixLayout): Promise<QuantizedTensor> {
    const shape = [layout.N, layout.K] as const;
    const scheme = layout.scheme as HqqScheme;
    if (this.#checkpoint.has(`${base}.${HQQ_SUFFIXES.codes}`)) {
      return await readStored(this.#checkpoint, base, { shape, scheme });
    }
    const weights = await this.readFloats(`${base}.weight`, shape);
    return quantizeMatrix(weights, { shape, scheme });
  }

  /**
   * Reads a vector or a small matrix as float32.
   *
   * @param name The tensor's name.
   * @param shape Its shape.
   * @returns Its elements.
   */
  async readFloats(
    name: string,
    shape: readonly number[],
  ): Promise<Float32Array<ArrayBuffer>> {
    this.#checkpoint.expect(name, { shape, dtypes: FLOATS });
    return await this.#checkpoint.readFloat32(name);
  }
}

/** The kernels' scheme for a quantization of less than 16 bits. */
export function schemeOf({ bits, ...groups }: Quantization): HqqScheme {
  return { type: "HQQ", bits: bits as HqqScheme["bits"], ...groups };
}

/**
 * Quantizes a matrix as the published checkpoints were: along axis 0, with 4-bit
 * zeros rounded, scales quantized in groups, zeros with one scale for all.
 *
 * @param weights W (N, K).
 * @param options Its shape, and the scheme to bring it to.
 * @returns The quantized matrix.
 */
export function quantizeMatrix(
  weights: Float32Array,
  { shape, scheme }: { shape: readonly [number, number]; scheme: HqqScheme },
): QuantizedTensor {
  return quantize(weights, {
    shape,
    bits: scheme.bits,
    groupSize: scheme.groupSize,
    axis: 0,
    quantScale: { groupSize: scheme.scaleGroupSize },
    quantZero: { groupSize: null, channelWise: false },
  });
}

/** Reads the seven tensors of a quantized matrix, whatever their shape. */
async function readStored(
  checkpoint: Checkpoint,
  base: string,
  { shape, scheme }: {
    shape: readonly [number, number];
    scheme: HqqScheme;
  },
): Promise<QuantizedTensor> {
  const name = (key: keyof typeof HQQ_SUFFIXES) =>
    `${base}.${HQQ_SUFFIXES[key]}`;
  const floats = (key: keyof typeof HQQ_SUFFIXES) =>
    checkpoint.readFloat32(name(key));
  const [N, K] = shape;
  const groupCount = N * K / scheme.groupSize;
  const meta = {
    shape: [1, groupCount] as const,
    bits: 8 as const,
    axis: 0 as const,
  };
  const codes = await checkpoint.read(name("codes"));
  const scale: QuantizedMeta = {
    ...meta,
    groupSize: scheme.scaleGroupSize,
    channelWise: true,
    packed: await checkpoint.read(name("scaleCodes")),
    scale: await floats("metaScale"),
    zero: await floats("metaZero"),
  };
  const zero: QuantizedMeta = {
    ...meta,
    groupSize: null,
    channelWise: false,
    packed: await checkpoint.read(name("zeroCodes")),
    scale: await floats("zeroScale"),
    zero: await floats("zeroZero"),
  };
  const { bits, groupSize } = scheme;
  const packed = bits === 3 ? new Int32Array(codes.buffer) : codes;
  const layout = matrixLayout(base, shape, scheme);
  const wanted = layout.P * layout.G * K * (bits === 3 ? 4 : 1);
  for (
    const [key, got, count] of [
      ["codes", codes.length, wanted],
      ["scaleCodes", scale.packed.length, groupCount],
      ["zeroCodes", zero.packed.length, groupCount],
      ["metaScale", scale.scale.length, layout.metaCount],
      ["metaZero", scale.zero.length, layout.metaCount],
      ["zeroScale", zero.scale.length, 1],
      ["zeroZero", zero.zero.length, 1],
    ] as const
  ) {
    if (got !== count) {
      throw new RangeError(
        `Cannot load ${
          name(key)
        } of ${checkpoint.directory}: it has ${got} elements, wanted ${count} for ${N} x ${K} at ${bits} bits in groups of ${groupSize}`,
      );
    }
  }
  return {
    shape,
    bits,
    groupSize,
    axis: 0,
    channelWise: true,
    packed,
    scale,
    zero,
  };
}
