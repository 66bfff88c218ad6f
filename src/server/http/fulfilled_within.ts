/**
 * Waits for a promise, but not for ever.
 *
 * @param promise The promise.
 * @param ms How long it may take.
 * @returns Whether it was fulfilled in time; if it is rejected in time, so is this.
 */
export async function fulfilledWithin(
  promise: Promise<unknown>,
  ms: number,
): Promise<boolean> {
  const late = Promise.withResolvers<false>();
  const timer = setTimeout(() => late.resolve(false), ms);
  try {
    return await Promise.race([promise.then(() => true), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
