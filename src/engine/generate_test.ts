import { assert, assertEquals, assertRejects } from "@std/assert";
import { collect, EOS, toy } from "./_toy_model.ts";
import { generate, type GenerateResult } from "./generate.ts";
import { type PrefillProgress, resolveOptions } from "./options.ts";

Deno.test("generate() goes on until the model ends the text", async () => {
  const { model, sequence } = toy("Hello");
  const { pieces, final } = await collect(sequence, [32]);
  assertEquals(pieces.length, 6);
  assertEquals(final.text, "Hello");
  assertEquals(final.finishReason, "stop");
  assertEquals(final.stopString, undefined);
  assertEquals(final.contextFull, false);
  assertEquals(final.promptTokens, 1);
  assertEquals(final.completionTokens, 5);
  assertEquals(model.runs.length, 6);
  assert(final.timeToFirstTokenMs! >= final.prefillMs);
  assert(final.decodeTokensPerSecond! > 0);
});

Deno.test("generate() never breaks a character", async () => {
  const { sequence } = toy("aé😀");
  const { pieces } = await collect(sequence, [32]);
  assertEquals(pieces.map((piece) => piece.text), [
    "a",
    "",
    "é",
    "",
    "",
    "",
    "😀",
    "",
  ]);
});

Deno.test("generate() stops after the most tokens, 0 included", async () => {
  for (const maxTokens of [0, 1, 3]) {
    const { model, sequence } = toy("Hello");
    const { final } = await collect(sequence, [32], { maxTokens });
    assertEquals(final.text, "Hello".slice(0, maxTokens));
    assertEquals(final.finishReason, "length");
    assertEquals(final.contextFull, false);
    // The last token is not run.
    assertEquals(sequence.ids.length, Math.max(1, maxTokens));
    assertEquals(model.runs.length, Math.max(1, maxTokens));
  }
});

Deno.test("generate() flushes half a character at the end", async () => {
  const { sequence } = toy("é");
  const { pieces, final } = await collect(sequence, [32], { maxTokens: 1 });
  assertEquals(final.text, "\ufffd");
  assertEquals(pieces.at(-1)!.text, "\ufffd");
});

Deno.test("generate() stops at a stop string across pieces", async () => {
  const { sequence } = toy("one two three");
  const { pieces, final } = await collect(sequence, [32], {
    stop: ["zzz", " two"],
  });
  assertEquals(final.text, "one");
  assertEquals(final.finishReason, "stop");
  assertEquals(final.stopString, " two");
  assertEquals(final.completionTokens, 7);
  assertEquals(pieces.length, 8);
});

Deno.test("generate() shows what was held back when no stop came", async () => {
  const { sequence } = toy("one tw");
  const { pieces, final } = await collect(sequence, [32], { stop: [" two"] });
  assertEquals(final.text, "one tw");
  assertEquals(final.stopString, undefined);
  assertEquals(pieces.at(-1)!.text, " tw");
});

Deno.test("generate() runs only what the cache lacks of a prompt", async () => {
  const { model, sequence } = toy("abcdefgh");
  const first = await collect(sequence, [1, 2, 3], { maxTokens: 2 });
  assertEquals(first.final.cachedTokens, 0);
  model.runs = [];
  // The answer's last token was not run, so the cache ends before it.
  const history = [1, 2, 3, ...first.final.ids, 7, 8];
  const second = await collect(sequence, history, { maxTokens: 1 });
  assertEquals(second.final.cachedTokens, 4);
  assertEquals(second.final.promptTokens, 7);
  assertEquals(model.runs, [[4, 3]]);
  model.runs = [];
  const again = await collect(sequence, history, { maxTokens: 1 });
  assertEquals(again.final.cachedTokens, 6);
  assertEquals(model.runs, [[6, 1]]);
  assertEquals(again.final.ids, second.final.ids);
  const other = await collect(sequence, [5, 6], { maxTokens: 1 });
  assertEquals(other.final.cachedTokens, 0);
});

Deno.test("generate() says the same with and without a cache", async () => {
  const warm = toy("abcdef");
  await collect(warm.sequence, [1, 2, 3, 4], { maxTokens: 3 });
  const reused = await collect(warm.sequence, [1, 2, 9]);
  const fresh = await collect(toy("abcdef").sequence, [1, 2, 9]);
  assertEquals(reused.final.ids, fresh.final.ids);
  assertEquals(reused.final.cachedTokens, 2);
});

Deno.test("generate() tells how much of the prompt has run", async () => {
  const { sequence } = toy("abc", { chunkSize: 4 });
  const told: [number, number][] = [];
  const onPrefill = ({ done, total }: PrefillProgress) => {
    told.push([done, total]);
  };
  await collect(sequence, [1, 2], { maxTokens: 0, onPrefill });
  await collect(sequence, [1, 2, 3, 4, 5, 6, 7], { maxTokens: 0, onPrefill });
  assertEquals(told, [[0, 2], [2, 2], [0, 5], [4, 5], [5, 5]]);
});

Deno.test("generate() runs a long prompt in chunks", async () => {
  const { model, sequence } = toy("abc", { chunkSize: 4 });
  await collect(sequence, [1, 2, 3, 4, 5, 6, 7, 8, 9], { maxTokens: 1 });
  assertEquals(model.runs, [[0, 4], [4, 4], [8, 1]]);
});

Deno.test("generate() says that the context is full", async () => {
  const { model, sequence } = toy("abcdefgh", { contextLength: 4 });
  const { final } = await collect(sequence, [1, 2]);
  assertEquals(final.finishReason, "length");
  assertEquals(final.contextFull, true);
  // The fourth position runs, and its logits give one more token.
  assertEquals(final.completionTokens, 3);
  assertEquals(model.runs.at(-1), [3, 1]);
  const full = await collect(sequence, [1, 2, 3, 4]);
  assertEquals(full.final.completionTokens, 1);
  assertEquals(full.final.contextFull, true);
});

Deno.test("generate() refuses a prompt that does not fit", async () => {
  const { sequence } = toy("a", { contextLength: 4 });
  await assertRejects(
    () => collect(sequence, [1, 2, 3, 4, 5]),
    RangeError,
    "Cannot generate: the prompt has 5 tokens, the context holds 4; shorten",
  );
  await assertRejects(
    () => collect(sequence, []),
    RangeError,
    "Cannot generate: the prompt is empty",
  );
  assertEquals((await collect(sequence, [1])).final.text, "a");
});

Deno.test("generate() stops when cancelled and keeps the cache", async () => {
  const { sequence } = toy("abcdef");
  const controller = new AbortController();
  const settings = resolveOptions(
    { temperature: 0, signal: controller.signal },
    { eosIds: [EOS] },
  );
  let final: GenerateResult | undefined;
  for await (const piece of generate(sequence, [1], settings)) {
    if (piece.text === "c") controller.abort();
    final = piece.final;
  }
  assertEquals(final?.finishReason, "cancelled");
  assertEquals(final?.text, "abc");
  assertEquals(sequence.ids.length, 3);
  const next = await collect(sequence, [1, ...final!.ids, 5], { maxTokens: 1 });
  assertEquals(next.final.cachedTokens, 3);
});

Deno.test("generate() runs nothing when cancelled before", async () => {
  const { model, sequence } = toy("abc");
  const { final } = await collect(sequence, [1], {
    signal: AbortSignal.abort(),
  });
  assertEquals(final.finishReason, "cancelled");
  assertEquals(final.timeToFirstTokenMs, null);
  assertEquals(model.runs, []);
});

Deno.test("generate() can be cancelled within a long prompt", async () => {
  const { model, sequence } = toy("abc", { chunkSize: 2 });
  const controller = new AbortController();
  model.onRun = () => {
    if (model.runs.length === 1) controller.abort();
  };
  const { final } = await collect(sequence, [1, 2, 3, 4, 5, 6], {
    signal: controller.signal,
  });
  assertEquals(final.finishReason, "cancelled");
  assertEquals(final.ids, []);
  assertEquals(sequence.ids, [1, 2, 3, 4]);
});

Deno.test("generate() lets timers run between tokens", async () => {
  const { sequence } = toy("abcdef", { contextLength: 1_000_000 });
  const { final } = await collect(sequence, [1], {
    signal: AbortSignal.timeout(5),
    ignoreEos: true,
  });
  assertEquals(final.finishReason, "cancelled");
});

Deno.test("generate() knows its cache when the reader walks away", async () => {
  const { model, sequence } = toy("abcdef");
  const settings = resolveOptions({ temperature: 0 });
  for await (const piece of generate(sequence, [1, 2], settings)) {
    if (piece.text === "d") break;
  }
  assertEquals(sequence.ids, [1, 2, ...new TextEncoder().encode("bc")]);
  model.runs = [];
  const { final } = await collect(sequence, [1, 2, 3], { maxTokens: 1 });
  assertEquals(final.cachedTokens, 2);
});

Deno.test("generate() works again after the model failed", async () => {
  const { model, sequence } = toy("abcdef");
  model.onRun = () => {
    if (model.runs.length === 3) throw new Error("device lost");
  };
  await assertRejects(() => collect(sequence, [1]), Error, "device lost");
  assertEquals(sequence.ids, []);
  model.onRun = () => {};
  const { final } = await collect(sequence, [1]);
  assertEquals(final.text, "abcdef");
  assertEquals(final.cachedTokens, 0);
});

Deno.test("generate() refuses a second reader, then serves it", async () => {
  const { sequence } = toy("abc");
  const settings = resolveOptions({ temperature: 0 });
  const first = generate(sequence, [1], settings);
  await first.next();
  await assertRejects(
    () => collect(sequence, [1]),
    Error,
    "another generation is running",
  );
  await first.return();
  assertEquals((await collect(sequence, [1])).final.text, "abc");
});

Deno.test("generate() repeats itself with the same seed only", async () => {
  async function sample(seed?: number): Promise<GenerateResult> {
    const { sequence } = toy("abcdef", { flatness: 1 });
    const options = {
      temperature: 1,
      topK: 0,
      topP: 1,
      minP: 0,
      maxTokens: 30,
    };
    const all = { ...options, ignoreEos: true, ...(seed && { seed }) };
    return (await collect(sequence, [1], all)).final;
  }
  const first = await sample(7);
  assertEquals((await sample(7)).ids, first.ids);
  assert((await sample(8)).ids.join() !== first.ids.join());
  const fresh = await sample();
  assertEquals((await sample(fresh.seed)).ids, fresh.ids);
});

Deno.test("generate() gives log-probabilities when asked", async () => {
  const { sequence } = toy("ab", { flatness: 0.1 });
  const { pieces } = await collect(sequence, [1], { logprobs: 2 });
  const [first] = pieces;
  assertEquals(first!.topLogprobs!.map(({ id, text }) => [id, text]), [
    [97, "<97>"],
    [0, "<0>"],
  ]);
  assertEquals(first!.logprob, first!.topLogprobs![0]!.logprob);
  // ln(e^10 / (e^10 + 255))
  assert(Math.abs(first!.logprob! - -0.011511) < 1e-5);
  const plain = await collect(sequence, [1]);
  assertEquals(Object.keys(plain.pieces[0]!), ["id", "text"]);
  const alone = await collect(sequence, [1], { logprobs: 0 });
  assertEquals(alone.pieces[0]!.topLogprobs, []);
});
