/** Options for {@linkcode allotSlots}. */
export interface AllotSlotsOptions {
  /** Slots of all layers together. */
  slotCount: number;
  /** The fewest slots of a layer. */
  least: number;
}

/**
 * Deals out slots so that the layers' values add up to the most there can be,
 * by dynamic programming over layers. Curves need not be concave.
 *
 * @param values What `least`, `least + 1`, ... slots are worth, for each layer:
 * (layerCount, as many)
 * @param options How many slots there are.
 * @returns Slots of each layer, all of them but what no layer has use for:
 * (layerCount)
 * @throws {RangeError} If there are fewer than the layers need.
 */
export function allotSlots(
  values: readonly (readonly number[])[],
  { slotCount, least }: AllotSlotsOptions,
): number[] {
  checkSlotCount(slotCount, { layerCount: values.length, least });
  const extra = slotCount - values.length * least;
  // The most that the layers so far are worth with some extra slots, and how
  // many of these the last of them takes.
  let best = new Float64Array(extra + 1);
  const taken = values.map((ofLayer) => {
    const next = new Float64Array(extra + 1).fill(-Infinity);
    const takes = new Uint32Array(extra + 1);
    for (let count = 0; count <= extra; count++) {
      for (let take = 0; take < ofLayer.length && take <= count; take++) {
        const value = best[count - take]! + ofLayer[take]!;
        if (value < next[count]!) continue; // of equals the one with more slots
        next[count] = value;
        takes[count] = take;
      }
    }
    best = next;
    return takes;
  });
  let left = extra;
  const slots: number[] = [];
  for (const takes of taken.toReversed()) {
    const take = takes[left]!;
    slots.unshift(least + take);
    left -= take;
  }
  return slots;
}

/**
 * Checks that there are slots enough.
 *
 * @param slotCount Slots of all layers together.
 * @param options How many layers there are, and the fewest slots of each.
 * @throws {RangeError} If there are not.
 */
export function checkSlotCount(
  slotCount: number,
  { layerCount, least }: { layerCount: number; least: number },
): void {
  const needed = layerCount * least;
  if (slotCount >= needed) return;
  throw new RangeError(
    `Cannot deal out ${slotCount} slots: each of ${layerCount} layers needs ${least}, wanted at least ${needed}`,
  );
}
