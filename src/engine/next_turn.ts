import { setImmediate } from "node:timers";

/**
 * Lets timers, signals and connections have their turn: a model that reads its
 * results back without waiting would keep them all out.
 *
 * @returns Resolves when they have had it.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
