/** Activations that overflow: the layer is named, and what comes after goes well. */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { type Engine, type LoadOptions, perplexity } from "../mod.ts";
import { areNumbers } from "../src/engine/non_finite_error.ts";
import type { NonFinite } from "../src/model/find_non_finite.ts";
import { count } from "./_counts.ts";
import { finish, withEngine } from "./_engine.ts";
import { type Harm, harmAll, harmFloats } from "./_harm.ts";
import { IS_LONG } from "./_kernel_case.ts";
import { BAD_TOKEN, CHAIN, overflow, type OverflowPart } from "./_overflow.ts";
import { WIDE_CONFIG, WIDE_OPTIONS, withWideModel } from "./_wide_model.ts";
import { TINY_CONFIG, tinyCheckpoint } from "./_tiny_checkpoint.ts";

const BASE: LoadOptions = { contextLength: 64, chunkSize: 8 };
const WIDTH = TINY_CONFIG.hidden_size;
const GREEDY = { temperature: 0, maxTokens: 6, ignoreEos: true };

/** Where it overflows, and how the error names that. */
const PARTS: readonly [OverflowPart, number | undefined, string][] = [
  ["attention", 0, "layer 0's attention gave NaN"],
  ["attention", 1, "layer 1's attention gave NaN"],
  ["router", 1, "layer 1's router gave NaN"],
  ["experts", 0, "layer 0's experts gave NaN"],
  ["experts", 1, "layer 1's experts gave NaN"],
  ["lm_head", undefined, "lm_head gave (NaN|infinity)"],
];

/** Which experts there were, where it was experts. */
const pattern = (says: string, position: number) =>
  new RegExp(
    `^Cannot continue: ${says} at position ${position}` +
      (says.includes("experts") ? " \\(experts? [0-3]( and [0-3])?\\)" : "") +
      ", wanted finite numbers; the model's weights are broken or its arithmetic overflowed$",
  );

/** Ways to hold experts; each has its own path through a step. */
const PLACES: Readonly<Record<string, LoadOptions>> = {
  "on the GPU": {},
  "decided by the GPU": { slots: 2, store: "pinned", residency: "gpu" },
  "decided by the host": { slots: 2, store: "pinned", residency: "cpu" },
  "prefetched": { slots: 2, store: "pinned", prefetch: "next-layer" },
  "in ordinary memory": { slots: 2, store: "array-buffer" },
};

const SOUND = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

/** A sound text, greedy and drawn, and its logits. */
async function sound(engine: Engine) {
  const greedy = await finish(engine.generate(SOUND, GREEDY));
  const drawn = await finish(
    engine.generate(SOUND.slice(0, 5), {
      temperature: 1,
      seed: 3,
      maxTokens: 9,
    }),
  );
  const logits = await engine.logits(SOUND);
  return {
    ids: [greedy.ids, drawn.ids],
    words: new Uint32Array(logits.buffer),
  };
}

for (const [part, layer, says] of PARTS) {
  Deno.test(`generate() names where numbers end: ${says}`, async () => {
    const harm = overflow(part, {
      ...layer !== undefined && { layer },
      width: WIDTH,
    });
    using model = await tinyCheckpoint({ harm });
    await withEngine(model.path, BASE, async (engine) => {
      const expected = await sound(engine);
      const fails = async (
        ids: number[],
        position: number,
        options = GREEDY,
      ) => {
        const { message } = await assertRejects(
          () => finish(engine.generate(ids, options)),
          RangeError,
        );
        assertMatch(message, pattern(says, position));
        // The keys and values that it left behind are in nobody's way.
        assertEquals(await sound(engine), expected);
        count("numbers", "faults injected", 1);
        count("numbers", "recoveries", 1);
      };
      // In a prompt. Behind the last attention nobody sees what its middle gives.
      const isLast = layer !== 0 && part !== "attention";
      const at = isLast ? 7 : 5;
      await fails([...SOUND.with(at, BAD_TOKEN)], at);
      // As a single token of a prompt.
      await fails([...SOUND.slice(0, 8), BAD_TOKEN], 8);
      // Picked by the host, and by the GPU, some tokens ahead.
      await fails([1, 2, 3, CHAIN[0]!], 7);
      await fails([1, 2, 3, CHAIN[2]!], 5, { ...GREEDY, temperature: 0.01 });
    });
  });
}

for (const [place, options] of Object.entries(PLACES)) {
  Deno.test(`generate() names the experts that gave NaN with experts ${place}`, async () => {
    const harm = overflow("experts", { layer: 1, width: WIDTH });
    using model = await tinyCheckpoint({ harm });
    const all = { ...BASE, ...options };
    await withEngine(model.path, all, async (engine) => {
      const expected = await sound(engine);
      for (const ids of [SOUND.with(7, BAD_TOKEN), [1, 2, CHAIN[1]!]]) {
        const { message } = await assertRejects(
          () => finish(engine.generate(ids, GREEDY)),
        );
        const position = ids.length > 3 ? 7 : 5;
        assertMatch(message, pattern("layer 1's experts gave NaN", position));
        assertEquals(await sound(engine), expected);
        count("numbers", "faults injected", 1);
        count("numbers", "recoveries", 1);
      }
    });
  });
}

Deno.test("generate() sees NaN behind biases, formats and penalties", async () => {
  const harm = overflow("attention", { layer: 1, width: WIDTH });
  using model = await tinyCheckpoint({ harm });
  await withEngine(model.path, BASE, async (engine) => {
    for (
      const options of [
        { logitBias: { 3: 50 } },
        { repetitionPenalty: 1.3 },
        { logprobs: 2 },
        { topK: 1, temperature: 1 },
        { responseFormat: { type: "json_object" } } as const,
      ]
    ) {
      await assertRejects(
        () =>
          finish(engine.generate([1, BAD_TOKEN], { ...GREEDY, ...options })),
        RangeError,
        "Cannot continue: layer 1's attention gave NaN at position 1",
      );
      count("numbers", "faults injected", 1);
    }
  });
});

Deno.test("logits() and perplexity() name where numbers end", async () => {
  const harm = overflow("experts", { layer: 0, width: WIDTH });
  using model = await tinyCheckpoint({ harm });
  await withEngine(model.path, BASE, async (engine) => {
    // In the second chunk.
    const ids = [...SOUND, ...SOUND].with(10, BAD_TOKEN);
    const says = pattern("layer 0's experts gave NaN", 10);
    const fails = [
      () => engine.logits(ids),
      () => perplexity(engine, ids, { windowLength: 24 }),
    ];
    for (const fail of fails) {
      assertMatch((await assertRejects(fail)).message, says);
      count("numbers", "faults injected", 1);
    }
    assertEquals((await engine.logits(SOUND)).every(Number.isFinite), true);
  });
});

/** What overflows in a model of other sizes, and where: of `all` in any token. */
const WIDE: readonly [Harm, Partial<NonFinite>, all: boolean][] = [
  [
    overflow("attention", { width: WIDE_CONFIG.hidden_size }),
    { layer: 0, part: "attention", value: "NaN" },
    false,
  ],
  [
    harmFloats(
      "layers.1.post_attention_layernorm.weight",
      (values) => values.map((v) => v * 1e25),
    ),
    { layer: 1, part: "experts" },
    true,
  ],
  [
    harmAll(
      harmFloats("model.norm.weight", (values) => values.map((v) => v * 1e20)),
      harmFloats("lm_head.weight", (values) => values.map((v) => v * 1e30)),
    ),
    { layer: null, part: "lm_head" },
    true,
  ],
  [
    // The norm would make zeros of them, and all logits 0.
    harmFloats("embed_tokens.weight", (values) => values.map((v) => v * 1e20)),
    { layer: null, part: "embedding", value: "numbers too large to square" },
    true,
  ],
];

Deno.test("Mixtral.findNonFinite() names where numbers end in the kernels of a GPU", async () => {
  const LENGTH = 40;
  const ids = new Array<number>(LENGTH).fill(3).with(-1, BAD_TOKEN);
  const last = LENGTH - 1;
  for (const [harm, expected, isAll] of IS_LONG ? WIDE : WIDE.slice(0, 2)) {
    using checkpoint = await tinyCheckpoint({ config: WIDE_CONFIG, harm });
    await withWideModel(checkpoint.path, WIDE_OPTIONS, async (model) => {
      for (const start of [0, last]) { // all at once; the last one by itself
        if (start > 0) await model.forward(ids.slice(0, start), 0);
        const step = { tokens: ids.slice(start), position: start };
        const logits = await model.forward(step.tokens, start);
        assertEquals(areNumbers(logits), false, JSON.stringify(expected));
        const row = step.tokens.length - 1;
        const found = (await model.findNonFinite({ ...step, row }))!;
        assertEquals({ ...found, ...expected }, found);
        const isFirst = isAll && expected.part !== "lm_head";
        assertEquals(found.position, isFirst ? start : last);
        count("numbers", "faults injected", 1);
      }
    });
  }
});
