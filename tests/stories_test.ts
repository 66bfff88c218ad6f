/** The bundled model at 16 bits against transformers in float32. */

import { assert, assertEquals } from "@std/assert";
import { finish, maxDifference, withEngine } from "./_engine.ts";
import { STORIES } from "./_tiny_checkpoint.ts";

/** `reference.json`, made by transformers. */
interface Reference {
  readonly prompts: readonly {
    readonly prompt: string;
    readonly ids: number[];
    readonly transformers_last_logits_first64: number[];
    readonly transformers_logprobs: number[];
    readonly greedy_ids: number[];
  }[];
}

/** Float32 in another order; we see 2e-5. Logits are up to 14. */
const TOLERANCE = 2e-4;

/** Greedy texts part where two logits are equal but for rounding. */
const SAME_IDS = 32;

const { prompts }: Reference = JSON.parse(
  await Deno.readTextFile(`${STORIES}/reference.json`),
);

Deno.test("load() agrees with transformers on stories-17m", async (t) => {
  await withEngine(STORIES, {}, async (engine) => {
    for (const expected of prompts) {
      const { ids, greedy_ids: greedy } = expected;
      await t.step(expected.prompt, async () => {
        assertEquals(engine.tokenizer.encode(expected.prompt), ids);
        const { vocabSize } = engine.config;
        const logits = await engine.logits(ids);
        const rowAt = (position: number) =>
          logits.subarray(position * vocabSize, (position + 1) * vocabSize);
        assertNear(
          rowAt(ids.length - 1).subarray(0, 64),
          expected.transformers_last_logits_first64,
        );
        // Of ids 1, 2, … given those before.
        assertNear(
          ids.slice(1).map((id, position) => logSoftmax(rowAt(position), id)),
          expected.transformers_logprobs,
        );
        const { ids: actual } = await finish(
          engine.generate(ids, { temperature: 0, maxTokens: SAME_IDS }),
        );
        assertEquals(actual, greedy.slice(0, SAME_IDS));
      });
    }
  });
});

Deno.test("Mixtral prefills as it decodes on stories-17m", async () => {
  const ids = [...prompts[0]!.ids, ...prompts[0]!.greedy_ids].slice(0, 50);
  let decoded: Float32Array | undefined;
  for (const chunkSize of [1, 24, 512]) {
    await withEngine(STORIES, { chunkSize }, async (engine) => {
      const logits = await engine.logits(ids);
      assertNear(logits, decoded ??= logits);
    });
  }
});

function assertNear(actual: ArrayLike<number>, expected: ArrayLike<number>) {
  const difference = maxDifference(actual, expected);
  assert(difference <= TOLERANCE, `they differ by ${difference}`);
}

/** ln of the probability of an id. */
function logSoftmax(logits: Float32Array, id: number): number {
  const highest = Math.max(...logits);
  let total = 0;
  for (const logit of logits) total += Math.exp(logit - highest);
  return logits[id]! - highest - Math.log(total);
}
