/** When a step submits; buffers that take turns, so that dispatches do not wait. */

/** The most layers of a token that are submitted at once: a submit takes 30 us. */
const LAYERS_PER_SUBMIT = 16;

/** Layers of the first submit, so that a GPU begins while the host records. */
const FIRST_LAYERS = 4;

/**
 * WebGPU has a dispatch wait for all before it if one of its buffers was used
 * in another way earlier in the submit. What runs beside something takes turns of so
 * many buffers that within a submit none is written twice, or after it was read.
 */
export const TURN_COUNT: number = LAYERS_PER_SUBMIT + 1;

/**
 * Says whether what is recorded is to be submitted after a layer.
 *
 * @param layer The layer.
 * @param layerCount How many there are.
 * @param submitCount How often the step has submitted: 0 if the GPU is idle.
 * @returns Whether it is; not after the last layer, with which the head goes.
 */
export function endsSubmit(
  layer: number,
  layerCount: number,
  submitCount: number,
): boolean {
  const done = layer + 1;
  if (done === layerCount) return false;
  const isFirst = submitCount === 0 && done === FIRST_LAYERS;
  return isFirst || done % LAYERS_PER_SUBMIT === 0;
}

/**
 * Makes what takes turns, layer by layer.
 *
 * @param make Makes one of them.
 * @returns All of them: (TURN_COUNT).
 */
export function turns<T>(make: (turn: number) => T): T[] {
  return Array.from({ length: TURN_COUNT }, (_, turn) => make(turn));
}
