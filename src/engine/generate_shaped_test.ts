import { assert, assertEquals, assertRejects } from "@std/assert";
import { collect, toy } from "./_toy_model.ts";

const byte = (char: string) => char.charCodeAt(0);

Deno.test("generate() adds biases before it picks, also where tokens run ahead", async () => {
  for (const aheadLimit of [0, 8]) {
    const { sequence, model } = toy("abcabc", { aheadLimit });
    const { final } = await collect(sequence, [1], {
      logitBias: { [byte("b")]: -1000, [byte("x")]: 0.5 },
      maxTokens: 4,
    });
    assertEquals(final.text, "axca");
    assertEquals(model.batches, []);
  }
});

Deno.test("generate() gives the model's own log-probabilities beside biases", async () => {
  const logprobs = 1;
  const plain = await collect(toy("abc").sequence, [1], { logprobs });
  const { pieces } = await collect(toy("abc").sequence, [1], {
    logprobs,
    logitBias: { [byte("z")]: 50 },
  });
  assertEquals(pieces[0]!.topLogprobs, plain.pieces[0]!.topLogprobs);
});

Deno.test("generate() keeps a text to its format, and ends it where it is whole", async () => {
  const { sequence, model } = toy("nothing of this", { aheadLimit: 8 });
  const accepted: number[] = [];
  sequence.vocabulary.constraint = () => ({
    get isComplete() {
      return accepted.length === 3;
    },
    forbid(logits) {
      for (let id = 0; id < logits.length; id++) {
        if (id !== byte("0") + accepted.length) logits[id] = -Infinity;
      }
    },
    accept: (id) => void accepted.push(id),
  });
  const { final } = await collect(sequence, [1], {
    responseFormat: { type: "json_object" },
  });
  assertEquals(final.text, "012");
  assertEquals(final.finishReason, "stop");
  assertEquals(model.runs.length, 3); // the last token is not run
  const text = await collect(sequence, [1], {
    responseFormat: { type: "text" },
  });
  assert(text.final.text.startsWith("nothing"));
});

Deno.test("generate() refuses a format without a tokenizer, before anything runs", async () => {
  const { sequence, model } = toy("abc");
  await assertRejects(
    () => collect(sequence, [1], { responseFormat: { type: "json_object" } }),
    Error,
    "the model has no tokenizer",
  );
  assertEquals(model.runs, []);
  await collect(sequence, [1]); // it is free again
});
