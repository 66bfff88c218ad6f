import { harmlessText, oneLine } from "../io/harmless.ts";

/**
 * Says what went wrong.
 *
 * @param error What was thrown.
 * @param withStack Whether to show where, for those who look for the cause.
 * @returns The message in one line, or the stack with its causes.
 */
export function describeError(error: unknown, withStack: boolean): string {
  // Something failed, and then its clean-up, too: the first is what matters.
  if (error instanceof SuppressedError) {
    return describeError(error.suppressed, withStack);
  }
  // Words of a model's files or of a hub may be in it.
  if (!(error instanceof Error)) return oneLine(String(error));
  if (!withStack) return oneLine(error.message || error.name);
  const stack = harmlessText(error.stack ?? error.message);
  return error.cause === undefined
    ? stack
    : `${stack}\nCaused by: ${describeError(error.cause, true)}`;
}
