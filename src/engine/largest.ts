/**
 * Finds the largest values without sorting the rest: a heap of `count` ids.
 * Of equal values the lower id comes first.
 *
 * @param values Numbers without NaN.
 * @param count How many to find, at most `values.length`.
 * @param ids Room for at least `count` ids. Its first `count` entries become
 * the ids of the largest values, largest first.
 */
export function largest(
  values: Float32Array,
  count: number,
  ids: Uint32Array,
): void {
  for (let i = 0; i < count; i++) ids[i] = i;
  for (let i = (count >> 1) - 1; i >= 0; i--) sink(values, ids, i, count);
  if (count > 0) {
    // The root is the worst that is kept; later ids lose ties against it.
    let worst = values[ids[0]!]!;
    for (let id = count; id < values.length; id++) {
      if (values[id]! <= worst) continue;
      ids[0] = id;
      sink(values, ids, 0, count);
      worst = values[ids[0]!]!;
    }
  }
  for (let end = count - 1; end > 0; end--) {
    const root = ids[0]!;
    ids[0] = ids[end]!;
    ids[end] = root;
    sink(values, ids, 0, end);
  }
}

/** Moves the id at `at` down until no child is worse. */
function sink(
  values: Float32Array,
  ids: Uint32Array,
  at: number,
  count: number,
): void {
  const id = ids[at]!;
  while (true) {
    let child = 2 * at + 1;
    if (child >= count) break;
    if (child + 1 < count && isWorse(values, ids[child + 1]!, ids[child]!)) {
      child++;
    }
    if (!isWorse(values, ids[child]!, id)) break;
    ids[at] = ids[child]!;
    at = child;
  }
  ids[at] = id;
}

function isWorse(values: Float32Array, a: number, b: number): boolean {
  const difference = values[a]! - values[b]!;
  return difference < 0 || (values[a] === values[b] && a > b);
}
