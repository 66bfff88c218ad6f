/** A bounded part of fuzzing; `deno task fuzz` goes on for as long as one wants. */

import { assertEquals } from "@std/assert";
import { count } from "./_counts.ts";
import { fuzz } from "./fuzz/_driver.ts";
import { failureText, resultLine } from "./fuzz/_report.ts";
import { TARGETS } from "./fuzz/targets.ts";

/** The same cases every time. Another finds what `deno task fuzz` will find, too. */
const SEED = 1;

/** A case takes milliseconds, but the machine may be busy. */
const SILENCE_MS = 60_000;

Deno.test("whatever is read is taken, or refused with a sentence", async (t) => {
  const results = await fuzz({
    targets: TARGETS,
    seed: SEED,
    silenceMs: SILENCE_MS,
  });
  for (const result of results) {
    const { target, cases, failure } = result;
    count(`fuzz ${target}`, "cases tried", cases);
    await t.step(`${target}, seed ${SEED}`, () => {
      if (failure === undefined) return;
      throw new Error(`${resultLine(result)}\n${failureText(result, SEED)}`);
    });
  }
  assertEquals(results.map(({ target }) => target), TARGETS.map(nameOf));
});

function nameOf({ name }: { readonly name: string }): string {
  return name;
}
