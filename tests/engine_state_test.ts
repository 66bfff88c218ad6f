/** `Engine.saveState()` and `loadState()`: a conversation goes on as if unbroken. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Engine, load, type Message } from "../mod.ts";
import { finish } from "./_engine.ts";
import { settle } from "./_gpu.ts";
import { tempDirectory } from "./_tiny_checkpoint.ts";

const MODEL = "models/stories-17m-q";
const OPTIONS = { contextLength: 256 };
const GREEDY = { temperature: 0, maxTokens: 24 };
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
    assert(tokenCount > 60);
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
  }
  await settle();
  // Another context, and experts that are not all on the GPU.
  using engine = await load(MODEL, { contextLength: 200, slots: 3 });
  await engine.loadState(path);
  const [again] = await ask(engine, messages.slice(), QUESTIONS.slice(2));
  assertEquals(again!.ids, unbroken.ids);
  assertEquals(again!.cachedTokens, unbroken.cachedTokens);
});

Deno.test("Engine.loadState() refuses what is not its own", async () => {
  using place = tempDirectory();
  const path = `${place.path}/state.safetensors`;
  {
    using engine = await load(MODEL, OPTIONS);
    const full = { temperature: 0, maxTokens: 300, ignoreEos: true };
    await finish(engine.generate("Once", full));
    await assertRejects(() => engine.saveState(path), Error, "is full");
    await ask(engine, [], QUESTIONS.slice(0, 1));
    await engine.saveState(path);

    const weights = `${MODEL}/model.safetensors`;
    const refusals: [string, string][] = [
      [weights, "it holds none, wanted a file that saveState() wrote"],
      [`${MODEL}/config.json`, "Cannot read"],
      [`${place.path}/none`, "there is no such file"],
    ];
    for (const [file, says] of refusals) {
      await assertRejects(() => engine.loadState(file), Error, says);
    }
    // One bit of a value of the last layer.
    const bytes = await Deno.readFile(path);
    bytes[bytes.length - 2]! ^= 0x40;
    const broken = `${place.path}/broken`;
    await Deno.writeFile(broken, bytes);
    await assertRejects(() => engine.loadState(broken), Error, "other logits");
    // Then the prompt runs whole.
    const [result] = await ask(engine, [], QUESTIONS.slice(0, 1));
    assertEquals(result!.cachedTokens, 0);
    await Deno.truncate(path, bytes.length - 8);
    await assertRejects(() => engine.loadState(path), SyntaxError);
    await Deno.writeFile(
      path,
      bytes.with(bytes.length - 2, bytes.at(-2)! ^ 64),
    );
    await engine.loadState(path);
  }
  await settle();
  // The same shape, other weights.
  using other = await load("models/stories-17m", OPTIONS);
  await assertRejects(() => other.loadState(path), Error, "other logits here");
});
