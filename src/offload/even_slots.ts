/**
 * Deals out slots evenly; those that are left over go to the last layers, one
 * each: see `planSlots()` for why.
 *
 * @param layerCount Layers.
 * @param slotCount Slots of all layers together.
 * @returns Slots of each layer: (layerCount)
 */
export function evenSlots(layerCount: number, slotCount: number): number[] {
  const even = Math.floor(slotCount / layerCount);
  const first = layerCount - slotCount % layerCount;
  return Array.from(
    { length: layerCount },
    (_, layer) => even + (layer < first ? 0 : 1),
  );
}
