/** What an error message must be. */

import { assert, assertRejects, assertStringIncludes } from "@std/assert";

/**
 * Fails unless a promise rejects with one line that begins with `Cannot` without
 * where it was thrown.
 *
 * @param fn What must fail.
 * @param says What the sentence must say.
 */
export async function assertSentence(
  fn: () => Promise<unknown>,
  says: string,
): Promise<void> {
  const { message } = await assertRejects(fn, Error);
  assert(/^Cannot [^\n]+$/.test(message), message);
  assert(!message.includes("    at "), message);
  assertStringIncludes(message, says);
}
