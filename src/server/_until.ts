/** Waiting in tests, as long as a slow machine may take. */

import type { Server } from "./serve.ts";

/** How long until something counts as hung: it is no measure of speed. */
const LIMIT_MS = 60_000;

/**
 * Waits until something is so.
 *
 * @param isSo Whether it is.
 * @param what What it is, in words.
 */
export async function until(
  isSo: () => boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  const end = performance.now() + LIMIT_MS;
  while (performance.now() < end) {
    if (await isSo()) return;
    await new Promise((done) => setTimeout(done, 10));
  }
  throw new Error(`not so after ${LIMIT_MS / 1000} s: ${what}`);
}

/**
 * Waits until so many requests wait for the engine.
 *
 * @param server Whose engine.
 * @param count How many.
 */
export function untilWaiting(
  { url }: Server,
  count: number,
): Promise<void> {
  const line = `\nmoeno_requests_waiting ${count}\n`;
  const isSo = async () =>
    (await (await fetch(`${url}/metrics`)).text()).includes(line);
  return until(isSo, `${count} requests wait`);
}
