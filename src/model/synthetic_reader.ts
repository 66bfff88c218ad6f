/** Weights that nobody trained, laid out as the kernels read them. */

import { halvesToFloat32, packedLength } from "hqq-ts";
import { type MatrixLayout, matrixLayout } from "../ops/matrix.ts";
import { SYNTHETIC_PARTS, type SyntheticWeights } from "./synthetic_weights.ts";
import type { PlainMatrix, PlainReader } from "./plain_weights.ts";
import type { Part, Quantization } from "./quantization.ts";
import type { MatrixReader } from "./weight_reader.ts";
import { schemeOf } from "./quantization.ts";

/** Reads made-up weights: what a checkpoint with the same ones would give. */
export class SyntheticReader implements MatrixReader, PlainReader {
  readonly #weights: SyntheticWeights;
  readonly #parts: Readonly<Record<Part, Quantization>>;

  /**
   * Constructs a reader.
   *
   * @param weights The weights.
   * @param parts How the weights of each part are quantized.
   */
  constructor(
    weights: SyntheticWeights,
    parts: Readonly<Record<Part, Quantization>> = SYNTHETIC_PARTS,
  ) {
    this.#weights = weights;
    this.#parts = parts;
  }

  /** Float16, whatever the name. */
  floatLayout(name: string, shape: readonly [number, number]): MatrixLayout {
    return matrixLayout(name, shape, { type: "F16" });
  }

  /** As the part is quantized; float16 for 16 bits. */
  layout(
    base: string,
    shape: readonly [number, number],
    part: Part,
  ): MatrixLayout {
    const quantization = this.#parts[part];
    return quantization.bits === 16
      ? this.floatLayout(base, shape)
      : matrixLayout(base, shape, schemeOf(quantization));
  }

  /** Writes straight to where things go: no row of these shapes is padded. */
  write(base: string, layout: MatrixLayout, into: Uint8Array): Promise<void> {
    const { N, K, scheme, metaCount } = layout;
    if (scheme.type !== "HQQ") {
      const halves = new Uint16Array(into.buffer, into.byteOffset, N * K);
      this.#weights.writeHalves(base, K, halves);
      return Promise.resolve();
    }
    const { P, G, rowWords, scaleAt, zeroAt, metaAt } = layout;
    const matrix = { base, K, scheme, metaCount };
    const part = (at: number, wordCount: number) =>
      into.subarray(at * 4, (at + wordCount) * 4);
    this.#weights.writeCodes(matrix, "codes", part(0, P * G * rowWords));
    this.#weights.writeCodes(matrix, "scaleCodes", part(scaleAt, G * K / 4));
    this.#weights.writeCodes(matrix, "zeroCodes", part(zeroAt, G * K / 4));
    const meta = this.#weights.meta(matrix);
    const floats = new Float32Array(
      into.buffer,
      into.byteOffset + metaAt * 4,
      2 * metaCount + 2,
    );
    floats.set(halvesToFloat32(meta.metaScale), 0);
    floats.set(halvesToFloat32(meta.metaZero), metaCount);
    floats.set(halvesToFloat32(meta.zeroScale), 2 * metaCount);
    floats.set(halvesToFloat32(meta.zeroZero), 2 * metaCount + 1);
    return Promise.resolve();
  }

  /** The same matrix as a checkpoint would store it. */
  readPlain(
    base: string,
    shape: readonly [number, number],
    part: Part | null,
  ): Promise<PlainMatrix> {
    const [N, K] = shape;
    const layout = part === null
      ? this.floatLayout(base, shape)
      : this.layout(base, shape, part);
    const { scheme, metaCount } = layout;
    if (scheme.type !== "HQQ") {
      const halves = new Uint16Array(N * K);
      this.#weights.writeHalves(base, K, halves);
      const bytes = new Uint8Array(halves.buffer);
      return Promise.resolve({ shape, dtype: "F16", bytes });
    }
    const { bits, axis, groupSize } = scheme;
    const matrix = { base, K, scheme, metaCount };
    const groupCount = N * K / groupSize;
    const codes = (key: "codes" | "scaleCodes" | "zeroCodes") => {
      const rows = [groupSize, groupCount] as const;
      const byteLength = key !== "codes"
        ? groupCount
        : packedLength({ bits, shape: rows }) * (bits === 3 ? 4 : 1);
      const bytes = new Uint8Array(byteLength);
      this.#weights.writeCodes(matrix, key, bytes);
      return bytes;
    };
    const meta = this.#weights.meta(matrix);
    const values = (
      key: "scaleCodes" | "zeroCodes",
      [scale, zero]: readonly [Uint16Array, Uint16Array],
    ) => ({
      shape: [1, groupCount] as const,
      bits: 8 as const,
      axis: 0 as const,
      groupSize: groupCount / scale.length,
      channelWise: true,
      packed: codes(key),
      scale: halvesToFloat32(scale),
      zero: halvesToFloat32(zero),
    });
    const packed = codes("codes");
    return Promise.resolve({
      ...{ shape, bits, groupSize, axis, channelWise: true },
      packed: bits === 3 ? new Int32Array(packed.buffer) : packed,
      scale: values("scaleCodes", [meta.metaScale, meta.metaZero]),
      zero: values("zeroCodes", [meta.zeroScale, meta.zeroZero]),
    });
  }

  /** Ones for norms; a router that follows the trace. */
  readFloats(name: string): Promise<Float32Array<ArrayBuffer>> {
    return Promise.resolve(this.#weights.floats(name));
  }
}
