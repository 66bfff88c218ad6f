/** Tokens that run ahead come out as one by one. */

import { assert, assertEquals } from "@std/assert";
import { collect, EOS, toy } from "./_toy_model.ts";
import { generate, type GenerateResult, type Piece } from "./generate.ts";
import { type GenerateOptions, resolveOptions } from "./options.ts";

const SCRIPT = "One day, a little bird sang in a tall tree.";

/** A generation, with what the cache held after each piece. */
interface Story {
  readonly pieces: (Omit<Piece, "final"> & { cached: number[] })[];
  readonly record: Partial<GenerateResult>;
  readonly error: string | null;
  /** The cache in the end. */
  readonly cached: number[];
  /** What of a prompt that goes on is in the cache, and what comes after it. */
  readonly next: Partial<GenerateResult>;
}

/** What does not depend on time. */
function timeless(final: GenerateResult): Partial<GenerateResult> {
  const { timeToFirstTokenMs: _, prefillMs: _p, decodeMs: _d, ...rest } = final;
  const { prefillTokensPerSecond: _r, decodeTokensPerSecond: _s, ...record } =
    rest;
  return record;
}

interface Scene {
  readonly model?: Parameters<typeof toy>[1];
  readonly script?: string;
  readonly prompt?: readonly number[];
  readonly options?: GenerateOptions;
  /** Called after each piece; `stop` leaves the generation. */
  readonly onPiece?: (count: number, abort: () => void) => "stop" | void;
}

async function tell(scene: Scene, aheadLimit: number) {
  const { prompt = [32, 33], script = SCRIPT, options = {} } = scene;
  const { model, sequence } = toy(script, { ...scene.model, aheadLimit });
  const controller = new AbortController();
  const settings = resolveOptions(
    { temperature: 0, seed: 5, signal: controller.signal, ...options },
    { eosIds: [EOS] },
  );
  const pieces: Story["pieces"] = [];
  let record: Partial<GenerateResult> = {};
  let error: string | null = null;
  try {
    for await (const piece of generate(sequence, prompt, settings)) {
      const { final, ...rest } = piece;
      if (final) record = timeless(final);
      pieces.push({ ...rest, cached: [...sequence.ids] });
      const abort = () => controller.abort();
      if (scene.onPiece?.(pieces.length, abort) === "stop") break;
    }
  } catch (thrown) {
    error = String(thrown);
  }
  const batches = [...model.batches];
  const runCount = model.runs.length;
  const cached = [...sequence.ids];
  const goOn = [...prompt, ...pieces.flatMap(({ id }) => id ?? []), 34]
    .slice(0, model.contextLength);
  const next = error === null
    ? timeless((await collect(sequence, goOn, { maxTokens: 5, seed: 5 })).final)
    : {};
  const story: Story = { pieces, record, error, cached, next };
  return { story, batches, runCount };
}

/** Tells a scene both ways; returns what ran ahead. */
async function compare(scene: Scene) {
  const oneByOne = await tell(scene, 0);
  assertEquals(oneByOne.batches, []);
  for (const limit of [1, 2, 3, 5, 8]) {
    const ahead = await tell(scene, limit);
    assertEquals(ahead.story, oneByOne.story);
  }
  return { oneByOne, ahead: await tell(scene, 8) };
}

/** That some tokens came together, so that the scene shows something. */
function assertAhead({ batches }: { batches: readonly number[] }): void {
  assertEquals(batches[0], 1); // the first comes at once
  assert(batches.some((count) => count > 1), `${batches}`);
}

Deno.test("generate() ends where the model does when tokens run ahead", async () => {
  const { oneByOne, ahead } = await compare({});
  assertEquals(oneByOne.story.record.text, SCRIPT.slice(1));
  assertAhead(ahead);
});

Deno.test("generate() ends in the middle of what ran ahead", async () => {
  // At every place: of a batch, and of the text.
  for (let length = 1; length <= 20; length++) {
    await compare({ script: SCRIPT.slice(0, length) });
  }
});

Deno.test("generate() stops at a stop string in what ran ahead", async () => {
  for (const stop of ["e", "little", "bird sang", " in", "tree."]) {
    const { oneByOne, ahead } = await compare({ options: { stop: [stop] } });
    assertEquals(oneByOne.story.record.stopString, stop);
    assertEquals(ahead.batches[0], 1);
  }
});

Deno.test("generate() runs no more ahead than maxTokens asks for", async () => {
  for (let maxTokens = 0; maxTokens <= 20; maxTokens++) {
    const scene: Scene = { options: { maxTokens, ignoreEos: true } };
    const { oneByOne, ahead } = await compare(scene);
    assertEquals(ahead.runCount, oneByOne.runCount);
    if (maxTokens > 5) assertAhead(ahead);
  }
});

Deno.test("generate() runs no further ahead than the context goes", async () => {
  for (let contextLength = 2; contextLength <= 20; contextLength++) {
    const { oneByOne, ahead } = await compare({ model: { contextLength } });
    assertEquals(oneByOne.story.record.contextFull, true);
    assertEquals(ahead.runCount, oneByOne.runCount);
    if (contextLength > 6) assertAhead(ahead);
  }
});

Deno.test("generate() stops in the middle of what ran ahead when cancelled", async () => {
  for (let when = 1; when <= 12; when++) {
    const { oneByOne } = await compare({
      onPiece: (count, abort) => void (count === when && abort()),
    });
    assertEquals(oneByOne.story.record.finishReason, "cancelled");
    assertEquals(oneByOne.story.record.completionTokens, when);
  }
});

Deno.test("generate() can be left in the middle of what ran ahead", async () => {
  for (let when = 1; when <= 12; when++) {
    const { ahead } = await compare({
      onPiece: (count) => count === when ? "stop" : undefined,
    });
    assertEquals(ahead.story.pieces.length, when);
  }
});

Deno.test("generate() throws at the token whose logits are broken, not before", async () => {
  for (let brokenAt = 1; brokenAt <= 14; brokenAt++) {
    const { oneByOne } = await compare({ model: { brokenAt } });
    assert(oneByOne.story.error?.startsWith("RangeError: Cannot pick a token"));
    assertEquals(oneByOne.story.pieces.length, Math.max(0, brokenAt - 1));
    assertEquals(oneByOne.story.cached, []);
  }
});

Deno.test("generate() forgets the cache when running ahead fails", async () => {
  const { model, sequence } = toy(SCRIPT, { aheadLimit: 8 });
  model.onRun = () => {
    if (model.runs.length === 5) throw new Error("device lost");
  };
  const error = await collect(sequence, [1]).then(() => null, (e) => e);
  assertEquals(error?.message, "device lost");
  assertEquals(sequence.ids, []);
  model.onRun = () => {};
  const { final } = await collect(sequence, [1]);
  assertEquals(final.text, SCRIPT);
  assertEquals(final.cachedTokens, 0);
});

Deno.test("generate() picks by itself where more than the largest logit counts", async () => {
  const wishes: GenerateOptions[] = [
    { temperature: 0.5 },
    { logprobs: 0 },
    { repetitionPenalty: 1.1 },
    { presencePenalty: 0.5 },
    { frequencyPenalty: -0.5 },
  ];
  for (const options of wishes) {
    const { ahead } = await compare({ options: { ...options, maxTokens: 12 } });
    assertEquals(ahead.batches, []);
  }
  const options = { repetitionPenalty: 2, penaltyWindow: 0, maxTokens: 12 };
  const { ahead } = await compare({ options }); // penalties that see nothing
  assertAhead(ahead);
});

Deno.test("generate() counts the tokens that were asked for, not those that ran", async () => {
  const script = "abcdef";
  const { final } = await collect(toy(script, { aheadLimit: 8 }).sequence, [1]);
  assertEquals(final.completionTokens, script.length);
  const { decodeTokensPerSecond, decodeMs } = final;
  // Six were run one after the other, the last of them to find the end.
  const count = decodeTokensPerSecond! * decodeMs / 1000;
  assert(Math.abs(count - script.length) < 1e-6, `${count}`);
});
