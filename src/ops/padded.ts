/**
 * Rounds up to whole vec4s, which is also whole 16 bytes of words.
 *
 * @param count A number of floats or words.
 * @returns The next multiple of 4.
 */
export function padded(count: number): number {
  return Math.ceil(count / 4) * 4;
}
