/** `Engine` on the bundled model: what carries over from call to call. */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { Engine, GenerateOptions, Piece } from "../mod.ts";
import { finish, maxDifference, withEngine } from "./_engine.ts";
import { assertSentence } from "./_sentence.ts";
import { STORIES } from "./_tiny_checkpoint.ts";

const PROMPT = "[INST] Tell me a story about a dog. [/INST]";
const GREEDY: GenerateOptions = { temperature: 0, maxTokens: 8 };

/** Registers a test with an engine of its own. */
function engineTest(
  name: string,
  fn: (engine: Engine) => Promise<void>,
  contextLength = 128,
): void {
  Deno.test(name, () => withEngine(STORIES, { contextLength }, fn));
}

engineTest(
  "Engine.generate() runs no token of the prompt twice",
  async (engine) => {
    const prompt = engine.tokenizer.encode(PROMPT);
    const first = await finish(engine.generate(prompt, GREEDY));
    assertEquals(first.cachedTokens, 0);
    assertEquals(first.promptTokens, prompt.length);
    assertEquals(first.completionTokens, 8);

    // The same prompt again: only its last token runs, for its logits.
    const again = await finish(engine.generate(prompt, GREEDY));
    assertEquals(again.cachedTokens, prompt.length - 1);
    assertEquals(again.ids, first.ids);

    // Prompt and answer: all but the answer's last token have been run.
    const longer = [...prompt, ...first.ids];
    const second = await finish(engine.generate(longer, GREEDY));
    assertEquals(second.cachedTokens, longer.length - 1);

    // A prompt that parts from the cached one after 5 tokens.
    const other = [...prompt.slice(0, 5), ...prompt.slice(8)];
    const parted = await finish(engine.generate(other, GREEDY));
    assertEquals(parted.cachedTokens, 5);
    for (const [ids, record] of [[longer, second], [other, parted]] as const) {
      await engine.logits([1]); // empties the cache
      const fresh = await finish(engine.generate(ids, GREEDY));
      assertEquals(fresh.cachedTokens, 0);
      assertEquals(fresh.ids, record.ids);
    }
  },
);

engineTest(
  "Engine.chat() does not run the first turn again",
  async (engine) => {
    const question = { role: "user", content: "Tell me a story about a dog." };
    const first = await finish(engine.chat([question], GREEDY));
    const messages = [question, { role: "assistant", content: first.text }, {
      role: "user",
      content: "Go on.",
    }];
    const second = await finish(engine.chat(messages, GREEDY));
    assert(second.cachedTokens >= first.promptTokens, `${second.cachedTokens}`);
    assert(second.cachedTokens < second.promptTokens);
  },
);

engineTest(
  "Engine.logits() between turns changes no answer",
  async (engine) => {
    const question = { role: "user", content: "Tell me a story about a cat." };
    const talk = async (between: () => Promise<unknown>) => {
      const first = await finish(engine.chat([question], GREEDY));
      await between();
      const messages = [question, { role: "assistant", content: first.text }, {
        role: "user",
        content: "Go on.",
      }];
      const second = await finish(engine.chat(messages, GREEDY));
      return [first.ids, second.ids];
    };
    const expected = await talk(() => Promise.resolve());
    assertEquals(await talk(() => engine.logits([5, 6, 7, 8, 9])), expected);
  },
);

engineTest(
  "Engine.generate() gives the same text for the same seed",
  async (engine) => {
    const run = async (seed: number) => {
      const options = {
        seed,
        temperature: 1.2,
        topK: 0,
        topP: 1,
        maxTokens: 24,
      };
      const record = await finish(engine.generate(PROMPT, options));
      assertEquals(record.seed, seed);
      return record;
    };
    const first = await run(7);
    const other = await run(8);
    assertEquals((await run(7)).ids, first.ids);
    assertNotEquals(other.ids, first.ids);
  },
);

engineTest("Engine.generate() ends at a stop string", async (engine) => {
  const options = { ...GREEDY, maxTokens: 40 };
  const { text } = await finish(engine.generate(PROMPT, options));
  const stop = "big dog";
  assert(text.includes(stop), text);
  const pieces = await Array.fromAsync(
    engine.generate(PROMPT, { ...options, stop: ["never", stop] }),
  );
  const { final } = pieces.at(-1)!;
  assertEquals(final!.finishReason, "stop");
  assertEquals(final!.stopString, stop);
  assertEquals(final!.text, text.slice(0, text.indexOf(stop)));
  assertEquals(pieces.map((piece) => piece.text).join(""), final!.text);
});

engineTest(
  "Engine.generate() ends when the context is full",
  async (engine) => {
    const options = { temperature: 0, ignoreEos: true };
    const record = await finish(engine.generate(PROMPT, options));
    assertEquals([record.finishReason, record.contextFull], ["length", true]);
    // The last token is picked but has no place in the context any more.
    assertEquals(record.promptTokens + record.completionTokens, 32 + 1);

    // A prompt that fills the context gets one token.
    const full = await finish(engine.generate(Array(32).fill(5), options));
    assertEquals([full.completionTokens, full.contextFull], [1, true]);
    const short = await finish(engine.generate(PROMPT, { ...GREEDY }));
    assertEquals([short.finishReason, short.contextFull], ["length", false]);
    assertEquals(short.ids, record.ids.slice(0, 8));
  },
  32,
);

engineTest(
  "Engine.generate() of no tokens reads the prompt",
  async (engine) => {
    const options = { ...GREEDY, maxTokens: 0 };
    const record = await finish(engine.generate(PROMPT, options));
    assertEquals([record.ids, record.text], [[], ""]);
    const next = await finish(engine.generate(PROMPT, GREEDY));
    assertEquals(next.cachedTokens, next.promptTokens - 1);
  },
);

engineTest("Engine.generate() can be left and begun again", async (engine) => {
  const { ids } = await finish(engine.generate(PROMPT, GREEDY));
  const left: Piece[] = [];
  for await (const piece of engine.generate(PROMPT, GREEDY)) {
    left.push(piece);
    if (left.length === 3) break;
  }
  assertEquals(left.map(({ id }) => id), ids.slice(0, 3));
  assertEquals((await finish(engine.generate(PROMPT, GREEDY))).ids, ids);
});

engineTest("Engine.generate() ends when it is aborted", async (engine) => {
  const { ids } = await finish(engine.generate(PROMPT, GREEDY));
  const controller = new AbortController();
  const { signal } = controller;
  let record;
  let count = 0;
  for await (const piece of engine.generate(PROMPT, { ...GREEDY, signal })) {
    if (++count === 3) controller.abort();
    record = piece.final;
  }
  assertEquals(record?.finishReason, "cancelled");
  assertEquals(record?.ids, ids.slice(0, 3));

  // A signal that was aborted before lets no token run.
  await engine.logits([1]);
  const none = await finish(engine.generate(PROMPT, { ...GREEDY, signal }));
  assertEquals([none.finishReason, none.ids], ["cancelled", []]);
  assertEquals((await finish(engine.generate(PROMPT, GREEDY))).ids, ids);
});

engineTest(
  "Engine refuses a second generation while one runs",
  async (engine) => {
    const { ids } = await finish(engine.generate(PROMPT, GREEDY));
    const says = "another generation is running";
    const first = engine.generate(PROMPT, GREEDY);
    const { value } = await first.next();
    assertEquals((value as Piece).id, ids[0]);
    const messages = [{ role: "user", content: "Hello" }];
    await assertSentence(() => finish(engine.generate("Once", GREEDY)), says);
    await assertSentence(() => finish(engine.chat(messages, GREEDY)), says);
    await assertSentence(() => engine.logits([1]), says);
    assertEquals((await finish(first)).ids, ids); // unharmed
    await finish(engine.chat(messages, GREEDY));
  },
);

engineTest(
  "Engine.generate() gives the log-probabilities of logits()",
  async (engine) => {
    const prompt = engine.tokenizer.encode(PROMPT);
    const options = { ...GREEDY, logprobs: 2 };
    const pieces = await Array.fromAsync(engine.generate(prompt, options));
    const tokens = pieces.filter(({ id }) => id !== null);
    const ids = tokens.map(({ id }) => id!);
    const logits = await engine.logits([...prompt, ...ids]);
    const { vocabSize } = engine.config;
    const expected = ids.map((id, i) => {
      const start = (prompt.length - 1 + i) * vocabSize;
      const row = logits.subarray(start, start + vocabSize);
      const highest = Math.max(...row);
      const total = row.reduce((sum, v) => sum + Math.exp(v - highest), 0);
      return row[id]! - highest - Math.log(total);
    });
    const actual = tokens.map(({ logprob }) => logprob!);
    // Decode and prefill add in different orders; logits are up to 14.
    assert(maxDifference(actual, expected) <= 2e-4);
    for (const { id, logprob, topLogprobs } of tokens) {
      assertEquals(topLogprobs!.length, 2);
      assertEquals([topLogprobs![0]!.id, topLogprobs![0]!.logprob], [
        id,
        logprob,
      ]);
    }
  },
);
