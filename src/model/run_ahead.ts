/** Tasks that run ahead of whoever waits for them. */

/**
 * Runs tasks in order, a bounded number of them at a time.
 *
 * @param tasks The tasks.
 * @param count How many may be started and not yet fetched.
 * @returns A function that fetches the result of the next task, in their order.
 */
export function runAhead<T>(
  tasks: readonly (() => Promise<T>)[],
  count: number,
): () => Promise<T> {
  const started: Promise<T>[] = [];
  let next = 0;
  function startMore(): void {
    while (started.length < count && next < tasks.length) {
      const promise = tasks[next++]!();
      // It may fail long before somebody waits for it.
      promise.catch(() => {});
      started.push(promise);
    }
  }
  return async () => {
    startMore();
    const promise = started[0];
    if (promise === undefined) {
      throw new RangeError(
        `Cannot fetch a result: all ${tasks.length} were fetched, wanted no more`,
      );
    }
    const result = await promise;
    started.shift();
    startMore();
    return result;
  };
}
