/**
 * Rounds up to whole vec4s, which is also whole 16 bytes of words.
 *
 * @param count A number of floats or words.
 * @returns The next multiple of 4.
 */
export function padded(count: number): number {
  return Math.ceil(count / 4) * 4;
}

/**
 * Takes the padding out of rows.
 *
 * @param rows The rows (R, stride).
 * @param options How wide a row is, and how far apart rows are.
 * @returns The rows (R, width); the same array if there is no padding.
 */
export function withoutPadding(
  rows: Float32Array<ArrayBuffer>,
  { width, stride }: { width: number; stride: number },
): Float32Array<ArrayBuffer> {
  if (stride === width) return rows;
  const rowCount = rows.length / stride;
  const packed = new Float32Array(rowCount * width);
  for (let row = 0; row < rowCount; row++) {
    const from = row * stride;
    packed.set(rows.subarray(from, from + width), row * width);
  }
  return packed;
}
