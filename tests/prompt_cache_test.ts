/** `load({ promptCacheBytes })`: conversations in turn go on as if alone. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import type {
  Engine,
  GenerateOptions,
  GenerateResult,
  Message,
  Piece,
} from "../mod.ts";
import { withEngine } from "./_engine.ts";
import { Random } from "./_random.ts";
import { tempDirectory, tinyCheckpoint } from "./_tiny_checkpoint.ts";

const CACHE = { contextLength: 128, promptCacheBytes: 2 ** 20 };
const SAMPLED = { temperature: 1, seed: 3, maxTokens: 20, ignoreEos: true };
const random = new Random(5);
/** Ids of the tiny model. */
const some = (count: number) => random.integers(count, 61);

/** What a generation says, with the odds of each token, and what it reused. */
async function read(pieces: AsyncIterable<Piece>) {
  const logprobs: (number | undefined)[] = [];
  let final: GenerateResult | undefined;
  for await (const piece of pieces) {
    if (piece.id !== null) logprobs.push(piece.logprob);
    final = piece.final;
  }
  const { ids, text, cachedTokens } = final!;
  return { ids, text, logprobs, cachedTokens };
}

/** Goes on from ids, which are made longer by what is said. */
async function goOn(
  engine: Engine,
  conversation: number[],
  options: GenerateOptions = {},
) {
  const all = { ...SAMPLED, logprobs: 0, ...options };
  const result = await read(engine.generate(conversation, all));
  conversation.push(...result.ids);
  return result;
}

Deno.test("Engine.chat() goes on to the bit with each of several conversations", async () => {
  // Random weights say random tokens: encoded again they would be others.
  using model = await tinyCheckpoint({ config: { "vocab_size": 4096 } });
  const ask = async (engine: Engine, messages: Message[], content: string) => {
    messages.push({ role: "user", content });
    const answer = await read(
      engine.chat(messages, { ...SAMPLED, logprobs: 2 }),
    );
    messages.push({ role: "assistant", content: answer.text });
    return answer;
  };
  const questions = ["Who is Tom?", "And who is Lily?", "What then?"];
  const alone = await withEngine(
    model.path,
    { contextLength: 128 },
    async (engine) => {
      const messages: Message[] = [];
      const answers = [];
      for (const question of questions) {
        answers.push(await ask(engine, messages, question));
      }
      assertEquals(engine.promptCache, null);
      return answers;
    },
  );
  await withEngine(model.path, CACHE, async (engine) => {
    const messages: Message[] = [];
    const other: Message[] = [];
    for (const [i, question] of questions.entries()) {
      assertEquals(await ask(engine, messages, question), alone[i]);
      const { cachedTokens } = await ask(engine, other, `${i} dogs?`);
      if (i > 0) assert(cachedTokens > 20 * i, `${cachedTokens}`);
    }
    const { hits, failures, count } = engine.promptCache!;
    assertEquals([hits, failures, count], [4, 0, 2]);
  });
});

/** Registers a test with an engine of 2 random layers. */
function engineTest(name: string, fn: (engine: Engine) => Promise<void>) {
  Deno.test(name, async () => {
    using model = await tinyCheckpoint();
    await withEngine(model.path, CACHE, fn);
  });
}

engineTest(
  "Engine.generate() takes from a kept sequence what a prompt shares with it",
  async (engine) => {
    const system = some(30);
    const first = [...system, ...some(5)];
    await goOn(engine, first);
    await goOn(engine, some(20)); // the first one is kept now
    const third = await goOn(engine, [...system, 7]);
    assertEquals(third.cachedTokens, 30);
    // What was written for the third is still there for the first.
    const kept = first.length - 1; // the last token has not run
    assertEquals((await goOn(engine, first)).cachedTokens, kept);
    const { hits, savedTokens } = engine.promptCache!;
    assert(hits === 2 && savedTokens >= 25, `${hits}, ${savedTokens}`);
  },
);

engineTest(
  "Engine.generate() goes on to the bit after others were cut off",
  async (engine) => {
    const prompt = some(30);
    const first = await goOn(engine, prompt);
    const copy = [...prompt];
    const second = await goOn(engine, prompt);
    await goOn(engine, some(40)); // keeps it
    for (const cut of ["before", "reader"] as const) {
      const signal = cut === "before" ? AbortSignal.abort() : undefined;
      for await (const _ of engine.generate(some(40), { signal })) {
        if (cut === "reader") break;
      }
      const again = [...copy];
      assertEquals(await goOn(engine, again), second);
      assertEquals(again, prompt);
    }
    assertEquals(second.cachedTokens, 30 + first.ids.length - 1);
    await assertRejects(
      () => goOn(engine, some(129)),
      RangeError,
      "129 tokens",
    );
    await assertRejects(() => goOn(engine, []), RangeError, "prompt is empty");
  },
);

engineTest(
  "Engine.logits() leaves what had run in the prompt cache",
  async (engine) => {
    const prompt = some(30);
    await goOn(engine, prompt);
    await engine.logits(some(10));
    const { cachedTokens } = await goOn(engine, prompt);
    assertEquals(cachedTokens, 49);
  },
);

engineTest(
  "Engine.loadState() leaves the prompt cache as it is",
  async (engine) => {
    using place = tempDirectory();
    const path = `${place.path}/state.safetensors`;
    const [a, b] = [some(30), some(30)];
    await goOn(engine, a);
    await goOn(engine, b);
    await engine.saveState(path); // of b
    const copy = [...b];
    const next = await goOn(engine, b);
    const after = await goOn(engine, a);
    assertEquals(after.cachedTokens, 49);
    await engine.loadState(path);
    assertEquals(await goOn(engine, copy), next);
  },
);

/** Labels of the buffers with keys and values. */
const KEYS = /^(keys|values) of layer /;

/** Replaces a method until the end of the block. */
function replaced<T extends object, K extends keyof T>(
  target: T,
  name: K,
  make: (original: T[K]) => T[K],
): Disposable {
  const original = target[name];
  target[name] = make(original);
  return { [Symbol.dispose]: () => void (target[name] = original) };
}

engineTest(
  "Engine.generate() runs all of a prompt if the GPU refuses its keys",
  async (engine) => {
    const prompt = some(40);
    const all = { logprobs: 0 };
    const clean = await goOn(engine, [...prompt], all);
    assertEquals(clean.cachedTokens, 0);
    const other = () => goOn(engine, some(40));
    await other(); // `prompt` is kept
    {
      // Writes of whole keys go where there is no room: the GPU says so, and
      // without a question it says nothing.
      using _refused = replaced(
        GPUQueue.prototype,
        "writeBuffer",
        (write) =>
          function (this: GPUQueue, buffer, offset, data, ...rest) {
            const isKeys = KEYS.test(buffer.label);
            const at = isKeys ? buffer.size : offset;
            return write.call(this, buffer, at, data, ...rest);
          },
      );
      assertEquals(await goOn(engine, [...prompt], all), clean);
      assertEquals(engine.promptCache!.failures, 1);
    }
    await other();
    {
      // What cannot be read is not kept.
      using _refused = replaced(
        GPUCommandEncoder.prototype,
        "copyBufferToBuffer",
        (copy) =>
          function (this: GPUCommandEncoder, ...args: unknown[]) {
            const label = (args[0] as GPUBuffer).label;
            if (KEYS.test(label)) args[1] = 2 ** 30;
            return copy.apply(this, args as never);
          } as typeof copy,
      );
      const { count } = engine.promptCache!;
      const failed = await goOn(engine, some(40));
      assertEquals([failed.cachedTokens, engine.promptCache!.failures], [0, 2]);
      assertEquals(engine.promptCache!.count, count);
    }
    assertEquals((await goOn(engine, [...prompt], all)).ids, clean.ids);
  },
);

Deno.test("Engine.promptCache is gone with the engine", async () => {
  using model = await tinyCheckpoint();
  await withEngine(model.path, CACHE, async (engine) => {
    await goOn(engine, some(30));
    await goOn(engine, some(30));
    assertEquals(engine.promptCache?.count, 1);
    engine[Symbol.dispose]();
    assertEquals(engine.promptCache, null);
  });
});
