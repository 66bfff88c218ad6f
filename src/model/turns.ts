/** Buffers that take turns, so that dispatches do not wait for each other. */

/** How many layers of a token are submitted at once, where a GPU begins meanwhile. */
export const LAYERS_PER_SUBMIT = 4;

/**
 * WebGPU has a dispatch wait for all before it if one of its buffers was used
 * in another way earlier in the submit. What runs beside something takes turns of so
 * many buffers that within a submit none is written twice, or after it was read.
 */
export const TURN_COUNT = LAYERS_PER_SUBMIT + 1;

/**
 * Makes what takes turns, layer by layer.
 *
 * @param make Makes one of them.
 * @returns All of them: (TURN_COUNT).
 */
export function turns<T>(make: (turn: number) => T): T[] {
  return Array.from({ length: TURN_COUNT }, (_, turn) => make(turn));
}
