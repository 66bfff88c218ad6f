/**
 * Which bytes of a file are there.
 *
 * @module
 */

/** Bytes from `start` up to, but without, `end`. */
export type ByteRange = readonly [start: number, end: number];

/**
 * Adds bytes to those that are there.
 *
 * @param ranges What is there: sorted, apart from each other.
 * @param range What is added; it may overlap.
 * @returns What is there now: sorted, apart from each other.
 */
export function addRange(
  ranges: readonly ByteRange[],
  range: ByteRange,
): ByteRange[] {
  let [start, end] = range;
  if (start >= end) return [...ranges];
  const before = ranges.filter(([, otherEnd]) => otherEnd < start);
  const after = ranges.filter(([otherStart]) => otherStart > end);
  for (const [otherStart, otherEnd] of ranges) {
    if (otherEnd < start || otherStart > end) continue;
    start = Math.min(start, otherStart);
    end = Math.max(end, otherEnd);
  }
  return [...before, [start, end], ...after];
}

/**
 * Finds the bytes that are not there.
 *
 * @param ranges What is there: sorted, apart from each other.
 * @param byteLength Bytes of the file.
 * @returns What is missing, sorted.
 */
export function missingRanges(
  ranges: readonly ByteRange[],
  byteLength: number,
): ByteRange[] {
  const starts = [0, ...ranges.map(([, end]) => end)];
  const ends = [...ranges.map(([start]) => start), byteLength];
  return starts.map((start, i): ByteRange => [start, ends[i]!])
    .filter(([start, end]) => start < end);
}

/**
 * Counts the bytes that are there.
 *
 * @param ranges What is there: apart from each other.
 * @returns Bytes.
 */
export function rangesByteLength(ranges: readonly ByteRange[]): number {
  return ranges.reduce((sum, [start, end]) => sum + end - start, 0);
}

/**
 * Cuts ranges into pieces that can be fetched side by side.
 *
 * @param ranges The ranges.
 * @param byteLength The most bytes of a piece.
 * @returns The pieces, in order.
 */
export function* cutRanges(
  ranges: readonly ByteRange[],
  byteLength: number,
): Generator<ByteRange> {
  for (const [start, end] of ranges) {
    for (let from = start; from < end; from += byteLength) {
      yield [from, Math.min(end, from + byteLength)];
    }
  }
}
