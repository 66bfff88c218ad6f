/** How the slots of a layer share buffers. Numbers only. */

/** Where a part of a buffer may begin: WebGPU's default alignment. */
const OFFSET_STEP = 256;

/** Some slots of a layer in a row. */
export interface SlotRun {
  /** The first slot. */
  readonly firstSlot: number;
  /** How many there are. */
  readonly slotCount: number;
}

/**
 * Says how far apart slots lie that share a buffer.
 *
 * @param expertByteLength Bytes of an expert.
 * @returns Bytes from one slot to the next.
 */
export function bankSlotByteLength(expertByteLength: number): number {
  return Math.ceil(expertByteLength / OFFSET_STEP) * OFFSET_STEP;
}

/**
 * Shares the slots of a layer out to buffers: as few as there can be, and as
 * equal.
 *
 * @param slotCount Slots of the layer.
 * @param options Bytes from one slot to the next, and of the largest buffer.
 * @returns The slots of each buffer; of at least one, which may be too large.
 */
export function splitSlots(
  slotCount: number,
  { slotByteLength, byteLimit }: { slotByteLength: number; byteLimit: number },
): SlotRun[] {
  const most = Math.max(1, Math.floor(byteLimit / slotByteLength));
  const count = Math.ceil(slotCount / most);
  const firstOf = (i: number) => Math.floor(i * slotCount / count);
  return Array.from({ length: count }, (_, i) => ({
    firstSlot: firstOf(i),
    slotCount: firstOf(i + 1) - firstOf(i),
  }));
}
