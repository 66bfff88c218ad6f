/** Matrices as they lie in GPU memory, read in plain loops: see ARCHITECTURE.md. */

import type { HqqScheme, MatrixLayout } from "../src/ops/matrix.ts";

/**
 * Reads the weights that bytes in GPU memory mean, each step rounded to float32.
 *
 * @param layout How they lie, of an HQQ scheme.
 * @param bytes The bytes.
 * @returns W (N, K).
 */
export function weightsInMemory(
  layout: MatrixLayout,
  bytes: Uint8Array<ArrayBuffer>,
): Float32Array {
  const { N, K, G, P, rowWords, scaleAt, zeroAt, metaAt, metaCount } = layout;
  const { bits, axis, groupSize, scaleGroupSize } = layout.scheme as HqqScheme;
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const float = (at: number) => words.getFloat32(at * 4, true);
  const stride = Math.ceil(K / 4) * 4;
  const codesPerWord = { 8: 1, 4: 2, 3: 10, 2: 4 }[bits];

  const code = (n: number, k: number) => {
    const member = Math.floor(n / G);
    const row = (member % P * G + n % G) * rowWords * 4;
    const word = bits === 3
      ? words.getUint32(row + 4 * k, true)
      : words.getUint8(row + k);
    const place = Math.floor(member / P);
    return (word >> bits * (codesPerWord - 1 - place)) & (2 ** bits - 1);
  };
  const values = (n: number, k: number): [scale: number, zero: number] => {
    if (axis === 1) {
      const j = n * (K / groupSize) + Math.floor(k / groupSize);
      return [float(scaleAt + j), float(zeroAt + j)];
    }
    const at = n % G * stride + k;
    if (scaleGroupSize === null) {
      return [float(scaleAt + at), float(zeroAt + at)];
    }
    const c = (n % G * K + k) % metaCount;
    const scale = Math.fround(
      words.getUint8(scaleAt * 4 + at) - float(metaAt + metaCount + c),
    ) * float(metaAt + c);
    const zero = Math.fround(
      words.getUint8(zeroAt * 4 + at) - float(metaAt + 2 * metaCount + 1),
    ) * float(metaAt + 2 * metaCount);
    return [Math.fround(scale), Math.fround(zero)];
  };

  const weights = new Float32Array(N * K);
  for (let n = 0; n < N; n++) {
    for (let k = 0; k < K; k++) {
      const [scale, zero] = values(n, k);
      weights[n * K + k] = Math.fround(code(n, k) - zero) * scale;
    }
  }
  return weights;
}
