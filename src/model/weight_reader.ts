/** From the tensors of a checkpoint to matrices as the kernels read them. */

import { dequantize } from "hqq-ts";
import type { Checkpoint } from "../io/checkpoint.ts";
import type { FloatDtype } from "../io/float.ts";
import type { CheckedDtype } from "../io/non_finite.ts";
import type { Dtype } from "../io/tensor_spec.ts";
import { type MatrixLayout, matrixLayout, type Scheme } from "../ops/matrix.ts";
import { writeFloatMatrix, writeHqqMatrix } from "../ops/write_matrix.ts";
import { checkFlatParameters, readFlatParameters } from "./flat_parameters.ts";
import { checkFinite, readFinite } from "./check_finite.ts";
import { type Part, type Quantization, schemeOf } from "./quantization.ts";
import type { StoredLayout } from "./stored_layout.ts";
import {
  type MatrixQuantizer,
  type ParallelQuantizer,
  quantizeMatrix,
} from "./quantize_job.ts";
import type { PlainMatrix, PlainReader } from "./plain_weights.ts";
import { placeMatrix, readMatrix } from "./read_matrix.ts";

const FLOATS: readonly Dtype[] = ["F32", "F16", "BF16"];

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

/**
 * Reads matrices of a checkpoint, quantizing on the way if asked: one matrix of
 * floats at a time, unless somebody else does it side by side.
 */
export class WeightReader implements MatrixReader, PlainReader {
  /** Few where it quantizes: the floats of a matrix take much memory. */
  readonly parallelReadCount: number | undefined;
  readonly #quantizer: MatrixQuantizer | null;
  readonly #checkpoint: Checkpoint;
  readonly #stored: StoredLayout | null;
  readonly #wanted: Readonly<Partial<Record<Part, Quantization>>>;
  /** Names of float matrices without NaN and infinity. */
  readonly #finite = new Set<string>();

  /**
   * Constructs a reader.
   *
   * @param checkpoint The tensors.
   * @param options What is stored (`null`: floats), what is wanted (`undefined`:
   * as stored), and who quantizes, if not this thread.
   * @throws {RangeError} If a quantized part is wanted in other bits.
   */
  constructor(checkpoint: Checkpoint, options: {
    stored: StoredLayout | null;
    wanted: Readonly<Partial<Record<Part, Quantization>>>;
    quantizer?: ParallelQuantizer | undefined;
  }) {
    const { quantizer } = options;
    this.#quantizer = quantizer ?? null;
    this.#checkpoint = checkpoint;
    this.#stored = options.stored;
    this.#wanted = options.wanted;
    for (const part of ["attn", "experts"] as const) {
      const stored = options.stored?.[part] ?? { bits: 16 };
      const wanted = options.wanted[part];
      if (wanted === undefined) continue;
      if (stored.bits === 16 && wanted.bits < 16) {
        // One more is read while the workers work.
        this.parallelReadCount = quantizer ? quantizer.workerCount + 1 : 1;
      }
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
   * @throws {Error} If the checkpoint has no such matrix.
   */
  async write(
    base: string,
    layout: MatrixLayout,
    into: Uint8Array,
  ): Promise<void> {
    const { N, K, scheme } = layout;
    const shape = [N, K] as const;
    const name = `${base}.weight`;
    const stored = this.#stored?.[partOf(base)];
    if (scheme.type !== "HQQ") {
      const { begin, end } = this.#checkpoint.expect(name, {
        shape,
        dtypes: [scheme.type],
      });
      if (end - begin === N * layout.rowWords * 4) {
        const target = into.subarray(0, end - begin);
        await this.#checkpoint.readInto(name, target);
        return this.#checkFinite(name, target, scheme.type);
      }
      const bytes = await this.#checkpoint.read(name);
      this.#checkFinite(name, bytes, scheme.type);
      return writeFloatMatrix(layout, bytes, into);
    }
    if (stored !== undefined && stored.bits !== 16) {
      const matrix = { base, shape, part: stored };
      await checkFlatParameters(this.#checkpoint, matrix);
      return await placeMatrix(this.#checkpoint, matrix, { layout, into });
    }
    if (this.#quantizer === null) {
      const weights = await this.readFloats(name, shape);
      const tensor = quantizeMatrix(weights, { shape, scheme });
      return writeHqqMatrix(layout, tensor, into);
    }
    const { dtype } = this.#checkpoint.expect(name, { shape, dtypes: FLOATS });
    const [laidOut] = await this.#quantizer.run({
      base,
      bytes: await this.#checkpoint.read(name),
      dtype: dtype as FloatDtype,
      shape,
      scheme,
      layout,
    });
    into.set(laidOut!);
  }

  /**
   * Reads a matrix as it is stored, or quantized as wanted; not as kernels read it.
   *
   * @param base The tensor's name without `.weight`.
   * @param shape Output rows N and inputs K.
   * @param part Which part it belongs to; `null` for what is never quantized.
   * @returns The matrix.
   * @throws {Error} If the checkpoint has no such matrix.
   */
  async readPlain(
    base: string,
    shape: readonly [number, number],
    part: Part | null,
  ): Promise<PlainMatrix> {
    const stored = part && this.#stored?.[part];
    if (stored && stored.bits !== 16) {
      const matrix = { base, shape, part: stored };
      await checkFlatParameters(this.#checkpoint, matrix);
      return await readMatrix(this.#checkpoint, matrix);
    }
    const name = `${base}.weight`;
    const wanted = part && this.#wanted[part];
    if (wanted && wanted.bits !== 16) {
      const scheme = schemeOf(wanted);
      const weights = await this.readFloats(name, shape);
      return quantizeMatrix(weights, { shape, scheme });
    }
    const { dtype } = this.#checkpoint.expect(name, { shape, dtypes: FLOATS });
    const bytes = await this.#checkpoint.read(name);
    this.#checkFinite(name, bytes, dtype as CheckedDtype);
    return { shape, dtype: dtype as FloatDtype, bytes };
  }

  /**
   * Reads a vector or a small matrix as float32. Tools that quantize every linear
   * layer do so with routers, too; these are dequantized.
   *
   * @param name The tensor's name.
   * @param shape Its shape.
   * @returns Its elements.
   */
  async readFloats(
    name: string,
    shape: readonly number[],
  ): Promise<Float32Array<ArrayBuffer>> {
    const base = name.replace(/\.weight$/, "");
    const part = this.#checkpoint.has(name)
      ? null
      : await readFlatParameters(this.#checkpoint, base);
    if (part !== null) {
      const [N, K] = shape;
      const matrix = {
        base,
        shape: [N!, K!] as const,
        part: { ...part, scaleGroupSize: null },
      };
      await checkFlatParameters(this.#checkpoint, matrix);
      return dequantize(await readMatrix(this.#checkpoint, matrix));
    }
    this.#checkpoint.expect(name, { shape, dtypes: FLOATS });
    return await readFinite(this.#checkpoint, name);
  }

  /** Checks a float matrix once: experts on disk are read again and again. */
  #checkFinite(name: string, bytes: Uint8Array, dtype: CheckedDtype): void {
    if (this.#finite.has(name)) return;
    const { directory } = this.#checkpoint;
    checkFinite(bytes, dtype, { info: this.#checkpoint.info(name), directory });
    this.#finite.add(name);
  }
}

/** The part that a matrix belongs to. */
function partOf(base: string): Part {
  return base.includes(".experts.") ? "experts" : "attn";
}
