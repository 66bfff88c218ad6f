/** `load({ promptCacheBytes })`: conversations in turn go on as if alone. */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { type Engine, type GenerateResult, type Message } from "../mod.ts";
import { withEngine } from "./_engine.ts";

const MODEL = "models/stories-17m-q";
const OPTIONS = { contextLength: 192 };
const QUESTIONS = ["Tell me a story about a dog.", "And a cat?", "What then?"];

/** Asks the next question of a conversation, with the odds of each token. */
async function ask(engine: Engine, messages: Message[], content: string) {
  messages.push({ role: "user", content });
  const options = { temperature: 0.8, seed: 3, maxTokens: 12, logprobs: 0 };
  const logprobs = [];
  let final: GenerateResult | undefined;
  for await (const piece of engine.chat(messages, options)) {
    if (piece.id !== null) logprobs.push(piece.logprob);
    final = piece.final;
  }
  messages.push({ role: "assistant", content: final!.text });
  const { ids, cachedTokens, promptTokens } = final!;
  return { ids, logprobs, cachedTokens, promptTokens };
}

Deno.test("Engine.chat() goes on to the bit with each of several conversations", async () => {
  const alone = await withEngine(MODEL, OPTIONS, async (engine) => {
    assertEquals(engine.promptCache, null);
    const messages: Message[] = [];
    const answers = [];
    for (const question of QUESTIONS) {
      answers.push(await ask(engine, messages, question));
    }
    return answers;
  });
  const cached = { ...OPTIONS, promptCacheBytes: 2 ** 30 };
  await withEngine(MODEL, cached, async (engine) => {
    const a: Message[] = [];
    const b: Message[] = [{ role: "user", content: "x" }];
    b.pop();
    const others = [];
    for (const [i, question] of QUESTIONS.entries()) {
      const answer = await ask(engine, a, question);
      assertEquals(answer, alone[i]);
      others.push(await ask(engine, b, `Who is Tom? ${"Why? ".repeat(6)}`));
    }
    console.log(alone.map((x) => [x.cachedTokens, x.promptTokens]), others.map((x) => [x.cachedTokens, x.promptTokens]), engine.promptCache);
  });
});
