/** Weights that nobody trained, of any model's shape. */

import {
  type FloatScheme,
  type HqqScheme,
  type MatrixLayout,
  matrixLayout,
} from "../ops/matrix.ts";
import type { MatrixReader, Part, Quantization } from "./weights.ts";
import { schemeOf } from "./weights.ts";

/** Bytes of random numbers that all matrices are cut from. */
const POOL_BYTE_LENGTH = 2 ** 20;

/**
 * Makes up weights in the layout of real ones, to measure speed where a real
 * checkpoint cannot be had. Same seed, same weights; different matrices differ.
 */
export class SyntheticReader implements MatrixReader {
  readonly #parts: Readonly<Record<Part, Quantization>>;
  readonly #pool: Uint8Array<ArrayBuffer>;

  /**
   * Constructs a reader.
   *
   * @param parts How the weights of each part are quantized.
   * @param options The seed.
   */
  constructor(
    parts: Readonly<Record<Part, Quantization>>,
    { seed = 1 }: { seed?: number } = {},
  ) {
    this.#parts = parts;
    this.#pool = randomBytes(POOL_BYTE_LENGTH, seed);
  }

  /** Float16, whatever the name. */
  floatLayout(name: string, shape: readonly [number, number]): MatrixLayout {
    const scheme: FloatScheme = { type: "F16" };
    return matrixLayout(name, shape, scheme);
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

  /** Random codes; scales and zeros that give weights of about 0.02. */
  write(base: string, layout: MatrixLayout, into: Uint8Array): Promise<void> {
    const start = hash(base) % POOL_BYTE_LENGTH;
    this.#fill(into.subarray(0, layout.wordCount * 4), start);
    if (layout.scheme.type === "HQQ") {
      writeMeta(layout, layout.scheme, into);
    } else {
      // 0x2400 to 0x27ff is 1/64 to 1/32, with either sign.
      const halves = new Uint16Array(
        into.buffer,
        into.byteOffset,
        layout.wordCount * 2,
      );
      for (let i = 0; i < halves.length; i++) {
        halves[i] = (halves[i]! & 0x83ff) | 0x2400;
      }
    }
    return Promise.resolve();
  }

  /** Ones for norms; small numbers of either sign for everything else. */
  readFloats(
    name: string,
    shape: readonly number[],
  ): Promise<Float32Array<ArrayBuffer>> {
    const floats = new Float32Array(shape.reduce((a, b) => a * b, 1));
    if (name.includes("norm")) return Promise.resolve(floats.fill(1));
    const start = hash(name);
    for (let i = 0; i < floats.length; i++) {
      floats[i] = (this.#pool[(start + i) % POOL_BYTE_LENGTH]! - 127.5) / 2000;
    }
    return Promise.resolve(floats);
  }

  #fill(into: Uint8Array, start: number): void {
    let from = start;
    for (let at = 0; at < into.length;) {
      const piece = this.#pool.subarray(from, from + into.length - at);
      into.set(piece, at);
      at += piece.length;
      from = 0;
    }
  }
}

/** Zeros about half the highest code, scales that suit them. */
function writeMeta(
  layout: MatrixLayout,
  { bits, scaleGroupSize }: HqqScheme,
  into: Uint8Array,
): void {
  const { scaleAt, zeroAt, metaAt, metaCount } = layout;
  const middle = (2 ** bits - 1) / 2;
  if (scaleGroupSize === null) {
    const start = into.byteOffset + scaleAt * 4;
    const floats = new Float32Array(into.buffer, start, metaAt - scaleAt);
    floats.fill(0.02 / middle, 0, zeroAt - scaleAt);
    floats.fill(middle, zeroAt - scaleAt);
    return;
  }
  const bytes = into.subarray(scaleAt * 4, metaAt * 4);
  for (let i = 0; i < bytes.length; i++) bytes[i] = (bytes[i]! & 0x3f) | 0x80;
  const meta = new Float32Array(
    into.buffer,
    into.byteOffset + metaAt * 4,
    2 * metaCount + 2,
  );
  meta.fill(0.02 / middle / 160, 0, metaCount);
  meta.fill(0, metaCount, 2 * metaCount);
  meta.set([middle / 160, 0], 2 * metaCount);
}

/** A multiplicative generator is random enough for weights. */
function randomBytes(
  byteLength: number,
  seed: number,
): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(byteLength / 4);
  let state = (seed * 2 + 1) >>> 0;
  for (let i = 0; i < words.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    words[i] = state ^ (state >>> 15);
  }
  return new Uint8Array(words.buffer);
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0;
  }
  return value;
}
