/**
 * The perplexity of the bundled model: some windows of its text, or with
 * MOENO_LONG=1 all of them, which takes 15 minutes on two cores.
 */

import { assert, assertEquals } from "@std/assert";
import { perplexity } from "../src/engine/perplexity.ts";
import { withEngine } from "./_engine.ts";
import { STORIES } from "./_tiny_checkpoint.ts";
// Mean negative log-likelihoods, by window, of a run over the whole text.
import windowNlls from "./testdata/perplexity_windows.json" with {
  type: "json",
};

/** Of transformers in float32 by the same protocol; the project wants 0.005. */
const TOLERANCE = 0.0001;
const WINDOW_LENGTH = 512;
/**
 * One window out of so many is run; the first of them by the program itself, in
 * `quality_cli_test.ts`.
 */
const STRIDE = Deno.env.has("MOENO_LONG") ? 1 : 36;

Deno.test("perplexity() of stories-17m is that of transformers", async () => {
  const { eval_stories: expected } = JSON.parse(
    await Deno.readTextFile(`${STORIES}/reference.json`),
  );
  // That run agrees with transformers, and with that run all windows do.
  assertEquals(windowNlls.length, expected.windows);
  assertShare(perplexityOf(windowNlls), expected.ppl);
  const text = await Deno.readTextFile(`${STORIES}/eval_stories.txt`);
  await withEngine(STORIES, {}, async (engine) => {
    const ids = engine.tokenizer.encode(text, { addSpecialTokens: false });
    assertEquals(ids.length, expected.tokens);
    const picked = windowNlls.flatMap((nll, i) =>
      i % STRIDE === 0 && (i > 0 || STRIDE === 1)
        ? [{ nll, start: i * WINDOW_LENGTH }]
        : []
    );
    const nlls: number[] = [];
    const actual = await perplexity(
      engine,
      picked.flatMap(({ start }) => ids.slice(start, start + WINDOW_LENGTH)),
      { onWindow: ({ nll }) => nlls.push(nll) },
    );
    assertEquals(actual.tokenCount, picked.length * (WINDOW_LENGTH - 1));
    for (const [i, { nll }] of picked.entries()) assertShare(nlls[i]!, nll);
    if (STRIDE === 1) assertShare(actual.perplexity, expected.ppl);
  });
});

function perplexityOf(nlls: readonly number[]): number {
  return Math.exp(nlls.reduce((a, b) => a + b) / nlls.length);
}

function assertShare(actual: number, wanted: number): void {
  const share = Math.abs(actual / wanted - 1);
  assert(share <= TOLERANCE, `${actual}, wanted ${wanted}: off by ${share}`);
}
