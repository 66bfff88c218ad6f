/** `Engine.saveState()` and `loadState()`: a conversation goes on as if unbroken. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Engine, load, type Message } from "../mod.ts";
import { finish, withEngine } from "./_engine.ts";
import { settle } from "./_gpu.ts";
import { tempDirectory, tinyCheckpoint } from "./_tiny_checkpoint.ts";

const MODEL = "models/stories-17m-q";
const OPTIONS = { contextLength: 160 };
const GREEDY = { temperature: 0, maxTokens: 8 };
const QUESTIONS = ["Tell me a story about a dog.", "And a cat?", "What then?"];

/** Asks one question after the other. */
async function ask(
  engine: Engine,
  messages: Message[],
  questions: readonly string[],
) {
  const results = [];
  for (const content of questions) {
    messages.push({ role: "user", content });
    const result = await finish(engine.chat(messages, GREEDY));
    messages.push({ role: "assistant", content: result.text });
    results.push(result);
  }
  return results;
}

Deno.test("Engine.loadState() goes on to the bit, and runs only what is new", async () => {
  using place = tempDirectory();
  const path = `${place.path}/state.safetensors`;
  const messages: Message[] = [];
  let unbroken;
  {
    using engine = await load(MODEL, OPTIONS);
    await assertRejects(
      () => engine.saveState(path),
      Error,
      "Cannot save state: nothing has run yet",
    );
    await ask(engine, messages, QUESTIONS.slice(0, 2));
    const { tokenCount, byteLength } = await engine.saveState(path);
    assert(tokenCount > 40);
    const { size } = await Deno.stat(path);
    assert(size > byteLength && size < byteLength + 65536, `${size}`);
    const more = messages.slice();
    unbroken = (await ask(engine, more, QUESTIONS.slice(2)))[0]!;
    assert(unbroken.cachedTokens >= tokenCount);

    // What has run since is forgotten; the same engine goes back.
    await ask(engine, [], ["Who are you?"]);
    await engine.loadState(path);
    const [again] = await ask(engine, messages.slice(), QUESTIONS.slice(2));
    assertEquals(again!.ids, unbroken.ids);
    assertEquals(again!.cachedTokens, unbroken.cachedTokens);

    // Of one conversation, what was taken back is not in the file.
    const question = { role: "user", content: "And a boat?" };
    const next = [...messages.slice(0, 2), question];
    const part = `${place.path}/part.safetensors`;
    const kept = await engine.saveState(part, next);
    assert(kept.tokenCount > 20 && kept.tokenCount < tokenCount);
    const text = await Deno.readTextFile(part);
    assert(text.includes("about a dog") && !text.includes("And a cat"));
    await engine.loadState(part);
    const other = await finish(engine.chat(next, GREEDY));
    assertEquals(other.cachedTokens, kept.tokenCount);
  }
  await settle();
  // Another context, and experts that are not all on the GPU.
  await withEngine(MODEL, { contextLength: 128, slots: 3 }, async (engine) => {
    await engine.loadState(path);
    const [again] = await ask(engine, messages.slice(), QUESTIONS.slice(2));
    assertEquals(again!.ids, unbroken.ids);
    assertEquals(again!.cachedTokens, unbroken.cachedTokens);
  });
});

Deno.test("Engine.loadState() refuses what is not its own", async () => {
  using place = tempDirectory();
  using model = await tinyCheckpoint();
  using twin = await tinyCheckpoint({ seed: 2 });
  const path = `${place.path}/state.safetensors`;
  const prompt = [1, 5, 9, 13];
  const options = { temperature: 0, ignoreEos: true };
  {
    using engine = await load(model.path, { contextLength: 32 });
    await finish(engine.generate(prompt, options));
    await assertRejects(() => engine.saveState(path), Error, "is full");
    await finish(engine.generate(prompt, { ...options, maxTokens: 3 }));
    await engine.saveState(path);
    const refusals: [string, string][] = [
      [`${model.path}/model.safetensors`, "it holds none, wanted a file that"],
      [`${model.path}/config.json`, "Cannot read"],
      [`${place.path}/none`, "there is no such file"],
    ];
    for (const [file, says] of refusals) {
      await assertRejects(() => engine.loadState(file), Error, says);
    }
    // None of these has touched what had run.
    const kept = await finish(engine.generate([...prompt, 7], options));
    assertEquals(kept.cachedTokens, 4);

    const bytes = await Deno.readFile(path);
    const broken = `${place.path}/broken`;
    await Deno.writeFile(broken, bytes.with(-2, bytes.at(-2)! ^ 0x40));
    await assertRejects(() => engine.loadState(broken), Error, "other logits");
    const whole = await finish(engine.generate(prompt, options));
    assertEquals(whole.cachedTokens, 0); // what is in the cache is nobody's
    await Deno.writeFile(broken, bytes.slice(0, -8));
    await assertRejects(() => engine.loadState(broken), SyntaxError);
    if (Deno.build.os !== "windows") {
      // The ids of what was said are in it.
      assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
    }
    await engine.loadState(path);
    const again = await finish(engine.generate([...prompt, 7], options));
    assertEquals([again.cachedTokens, again.ids], [4, kept.ids]);
  }
  await settle();
  {
    // The same shape, other weights.
    using other = await load(twin.path, { contextLength: 32 });
    await assertRejects(() => other.loadState(path), Error, "other logits");
  }
  await settle();
  await withEngine(model.path, { contextLength: 4 }, async (short) => {
    const state = short.loadState(path);
    await assertRejects(() => state, RangeError, "less than the");
  });
});
