/** Bad requests and command lines: one sentence each, and the next one works. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { type Engine, load } from "../mod.ts";
import { finish, withEngine } from "./_engine.ts";
import { settle } from "./_gpu.ts";
import { assertSentence } from "./_sentence.ts";
import { STORIES, tinyCheckpoint } from "./_tiny_checkpoint.ts";

const PROGRAM = fromFileUrl(new URL("../mod.ts", import.meta.url));

/** What an engine refuses; the tiny model has a context of 32 here. */
const REFUSED: readonly {
  what: string;
  request: (engine: Engine) => Promise<unknown>;
  says: string;
}[] = [
  {
    what: "an empty prompt",
    request: (engine) => finish(engine.generate([])),
    says: "the prompt is empty",
  },
  {
    what: "logits of nothing",
    request: (engine) => engine.logits([]),
    says: "there are 0 ids",
  },
  {
    what: "a prompt longer than the context",
    request: (engine) => finish(engine.generate(Array(33).fill(1))),
    says: "the prompt has 33 tokens, the context holds 32",
  },
  {
    what: "logits of more than the context",
    request: (engine) => engine.logits(Array(33).fill(1)),
    says: "there are 33 ids, wanted 1 to 32",
  },
  ...[61, -1, 1.5, NaN, Infinity].flatMap((id) => [
    {
      what: `generating after id ${id}`,
      request: (engine: Engine) => finish(engine.generate([1, id])),
      says: `no id ${id}, wanted 0 to 60`,
    },
    {
      what: `logits of id ${id}`,
      request: (engine: Engine) => engine.logits([1, id]),
      says: `no id ${id}, wanted 0 to 60`,
    },
  ]),
  {
    what: "a negative temperature",
    request: (engine) => finish(engine.generate([1], { temperature: -1 })),
    says: "temperature is -1",
  },
  {
    what: "a temperature that is no number",
    request: (engine) => finish(engine.generate([1], { temperature: NaN })),
    says: "temperature is NaN",
  },
  {
    what: "an empty stop string",
    request: (engine) => finish(engine.generate([1], { stop: [""] })),
    says: "a stop string is empty",
  },
  {
    what: "a text with ids that the model does not have",
    request: (engine) => finish(engine.generate("Once upon a time")),
    says: "the vocabulary has no id",
  },
  {
    what: "a conversation that the template refuses",
    request: (engine) => finish(engine.chat([{ role: "tool", content: "" }])),
    says: "Cannot render the chat template",
  },
];

Deno.test("Engine says in a sentence what it refuses, and goes on", async (t) => {
  using model = await tinyCheckpoint();
  await withEngine(model.path, { contextLength: 32 }, async (engine) => {
    const good = () =>
      finish(engine.generate([1, 2, 3], { temperature: 0, maxTokens: 4 }));
    const { ids } = await good();
    for (const { what, request, says } of REFUSED) {
      await t.step(what, async () => {
        await assertSentence(() => request(engine), says);
        assertEquals((await good()).ids, ids);
      });
    }
  });
});

Deno.test("Engine.chat() says in a sentence that there is no template", async () => {
  using model = await tinyCheckpoint();
  await Deno.remove(`${model.path}/tokenizer_config.json`);
  await withEngine(model.path, {}, async (engine) => {
    const messages = [{ role: "user", content: "Hello" }];
    await assertSentence(
      () => finish(engine.chat(messages)),
      "it has no chat template",
    );
    await finish(engine.generate([1, 2], { maxTokens: 1 }));
  });
});

const DISPOSED = "the engine has been disposed of";

Deno.test("Engine says in a sentence that it has been disposed of", async () => {
  const engine = await load(STORIES, { contextLength: 64 });
  await finish(engine.generate("Once", { maxTokens: 1 }));
  engine[Symbol.dispose]();
  engine[Symbol.dispose](); // twice does no harm
  const says = DISPOSED;
  await assertSentence(() => engine.logits([1]), says);
  await assertSentence(() => finish(engine.generate([1])), says);
  await assertSentence(() => finish(engine.generate("Once")), says);
  await settle();
});

Deno.test("Engine.chat() says in a sentence that it has been disposed of", async () => {
  const engine = await load(STORIES, { contextLength: 64 });
  engine[Symbol.dispose]();
  try {
    const messages = [{ role: "user", content: "Hello" }];
    await assertSentence(() => finish(engine.chat(messages)), DISPOSED);
  } finally {
    await settle();
  }
});

/** Command lines that fail for another reason than their flags. */
const FAILURES: readonly {
  what: string;
  args: (model: string) => string[];
  env?: Record<string, string>;
  says: string;
}[] = [
  {
    what: "no model",
    args: (model) => ["--model", `${model}/none`, "x"],
    says: "config.json: there is no such file",
  },
  {
    what: "a group size that does not divide",
    args: (model) => ["--model", model, "--attn-bits", "4", "x"],
    says: "wanted a group size that divides",
  },
  {
    what: "a prompt longer than the context",
    args: () => ["--model", STORIES, "--context", "3", "Once upon a time"],
    says: "the context holds 3",
  },
  {
    what: "no adapter",
    args: () => ["x"],
    env: { "VK_DRIVER_FILES": "/none.json", "VK_ICD_FILENAMES": "/none.json" },
    says: "Cannot open a GPU: no WebGPU adapter found",
  },
];

Deno.test("generate ends with a sentence and 1", async (t) => {
  using model = await tinyCheckpoint();
  for (const { what, args, env = {}, says } of FAILURES) {
    await t.step(what, async () => {
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "-A",
          "--quiet",
          PROGRAM,
          "generate",
          ...args(model.path),
        ],
        env,
      }).output();
      const text = new TextDecoder().decode(stderr);
      assertEquals([code, stdout.length], [1, 0], text);
      assert(/^error: Cannot [^\n]+\n$/.test(text), text);
      assertStringIncludes(text, says);
    });
  }
});
