/** Which outcomes of bad input are good ones. */

import { assert, AssertionError } from "@std/assert";
import type { Verdict } from "./_target.ts";

/** Longer than this nobody reads. */
const MAX_SENTENCE = 1000;

/** What V8 says of mistakes in a program; ours begin with `Cannot`, too. */
const ENGINE_WORDS = new RegExp([
  "(reading|setting) '",
  "(?<!something that )is not a (function|constructor)",
  "(?<!' object )is not (iterable|extensible|defined|async iterable)",
  "before initialization",
  "Cannot (convert (undefined|object|a )|destructure|mix|assign to read only|redefine|delete )",
  "Cannot (create|add|define) property",
  "Cannot use 'in' operator",
  "Invalid (array|string|typed array|array buffer) length",
  "Invalid array buffer max length",
  "Array buffer allocation failed",
  "Maximum call stack",
  "out of bounds",
  '(?<!["\\w])undefined\\b(?! value)|\\[object ',
].join("|"));

/**
 * Fails unless a message is one clear sentence: one line that says what could not
 * be done, without stacks, the engine's own words, or what a terminal obeys.
 *
 * @param message The message.
 * @param begins What it begins with.
 */
export function assertClear(message: string, begins = /^Cannot /): void {
  assert(!/^[^:]*: $/.test(message), `says nothing: ${quote(message)}`);
  assert(begins.test(message), `does not say what failed: ${quote(message)}`);
  // deno-lint-ignore no-control-regex -- they are what must not be there
  assert(!/[\0-\x1f]/.test(message), `controls: ${quote(message)}`);
  assert(!/ at (file|ext|npm|node):/.test(message), `stack: ${quote(message)}`);
  assert(
    message.length <= MAX_SENTENCE,
    `${message.length} characters: ${quote(message)}`,
  );
  assert(!ENGINE_WORDS.test(message), `no sentence: ${quote(message)}`);
}

/**
 * Runs what may refuse its input.
 *
 * @param run What to run.
 * @returns Whether it took it.
 * @throws {Error} If it fails with anything but a clear sentence.
 */
export async function verdictOf(run: () => unknown): Promise<Verdict> {
  try {
    await run();
    return "accepted";
  } catch (error) {
    assert(error instanceof Error, `not an error: ${String(error)}`);
    if (error instanceof AssertionError) throw error;
    // Only what the input should not have led to is not permitted.
    const isElsewhere = /no permission|Requires \w+ access/.test(error.message);
    assert(!isElsewhere, `leads elsewhere: ${quote(error.message)}`);
    try {
      assertClear(error.message);
    } catch (cause) {
      throw new Error((cause as Error).message, { cause: error });
    }
    return "refused";
  }
}

function quote(text: string): string {
  return JSON.stringify(
    text.length > 400 ? `${text.slice(0, 400)}…` : text,
  );
}
