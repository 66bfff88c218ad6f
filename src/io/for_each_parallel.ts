/**
 * Work on several things at the same time, but not on too many.
 *
 * @module
 */

/** Options for {@linkcode forEachParallel}. */
export interface ParallelOptions<T> {
  /** The most items that are worked on at the same time. */
  readonly limit: number;
  /**
   * The most bytes of items that are worked on at the same time. A larger item
   * is worked on alone.
   *
   * @default {Infinity}
   */
  readonly byteLimit?: number;
  /**
   * Tells how many bytes an item takes.
   *
   * @default {() => 0}
   */
  readonly byteLengthOf?: (item: T) => number;
  /** Works on an item. */
  readonly run: (item: T) => Promise<void>;
}

/**
 * Works on all items, several at the same time. They are begun in order and may
 * end in any.
 *
 * The first failure stops it: no other item is begun, what is in flight comes to
 * its end, and only then the failure is thrown. So whoever catches it may free
 * what the items use.
 *
 * @param items The items. The next is asked for when there is room for one more.
 * @param options What to do with each, and how many at the same time.
 * @throws {Error} What the first item that failed has thrown.
 */
export async function forEachParallel<T>(
  items: Iterable<T>,
  { limit, byteLimit = Infinity, byteLengthOf = () => 0, run }: ParallelOptions<
    T
  >,
): Promise<void> {
  const inFlight = new Set<Promise<void>>();
  const failures: unknown[] = [];
  let byteLength = 0;

  async function work(item: T, itemByteLength: number): Promise<void> {
    try {
      await run(item);
    } catch (error) {
      failures.push(error);
    } finally {
      byteLength -= itemByteLength;
    }
  }

  async function waitForRoom(itemByteLength: number): Promise<void> {
    while (
      inFlight.size >= limit ||
      inFlight.size > 0 && byteLength + itemByteLength > byteLimit
    ) {
      await Promise.race(inFlight);
    }
  }

  await waitForRoom(0);
  for (const item of items) {
    const itemByteLength = byteLengthOf(item);
    await waitForRoom(itemByteLength);
    if (failures.length > 0) break;
    byteLength += itemByteLength;
    const task = work(item, itemByteLength)
      .finally(() => inFlight.delete(task));
    inFlight.add(task);
    await waitForRoom(0); // before the next item is asked for
    if (failures.length > 0) break;
  }
  await Promise.all(inFlight);
  if (failures.length > 0) throw failures[0];
}
