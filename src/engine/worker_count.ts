/** How many matrices to quantize at a time. Numbers only. */

/** Bytes that a worker needs for each weight of its matrix. */
const BYTES_PER_WEIGHT = 16;

/** What the machine has. */
export interface Machine {
  /** Cores. */
  readonly coreCount: number;
  /** Bytes of free memory. */
  readonly freeByteLength: number;
}

/**
 * Chooses how many workers quantize.
 *
 * @param sizes For each file the weights of each matrix to quantize.
 * @param machine What the machine has.
 * @param wanted How many are asked for; `undefined` for one for each core, as far
 * as the memory goes.
 * @returns At least 1, and no more than the most matrices of a file.
 */
export function chooseWorkerCount(
  sizes: readonly (readonly number[])[],
  { coreCount, freeByteLength }: Machine,
  wanted: number | undefined,
): number {
  const matrixCount = Math.max(1, ...sizes.map(({ length }) => length));
  const largest = Math.max(1, ...sizes.flat());
  // One more for what is read and written meanwhile.
  const fitting = freeByteLength / (largest * BYTES_PER_WEIGHT) - 1;
  const fallback = Math.max(1, Math.min(coreCount, Math.floor(fitting)));
  return Math.min(wanted ?? fallback, matrixCount);
}
