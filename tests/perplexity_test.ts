/** The perplexity of the bundled model: the slowest test, about two minutes. */

import { assert, assertEquals } from "@std/assert";
import { perplexity } from "../src/engine/perplexity.ts";
import { withEngine } from "./_engine.ts";
import { STORIES } from "./_tiny_checkpoint.ts";

/** Of transformers in float32 by the same protocol; the project wants 0.005. */
const TOLERANCE = 0.0001;

Deno.test("perplexity() of stories-17m is that of transformers", async () => {
  const { eval_stories: expected } = JSON.parse(
    await Deno.readTextFile(`${STORIES}/reference.json`),
  );
  const text = await Deno.readTextFile(`${STORIES}/eval_stories.txt`);
  await withEngine(STORIES, {}, async (engine) => {
    const ids = engine.tokenizer.encode(text, { addSpecialTokens: false });
    assertEquals(ids.length, expected.tokens);
    let windowCount = 0;
    const actual = await perplexity(engine, ids, {
      onWindow: () => windowCount++,
    });
    assertEquals(windowCount, expected.windows);
    assertEquals(actual.tokenCount, expected.windows * 511);
    const share = Math.abs(actual.perplexity / expected.ppl - 1);
    assert(
      share <= TOLERANCE,
      `${actual.perplexity}, wanted ${expected.ppl}: off by ${share}`,
    );
  });
});
