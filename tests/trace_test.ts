/** Routing traces of real runs, and what a replay makes of them. */

import { assert, assertEquals } from "@std/assert";
import {
  type Engine,
  type LoadOptions,
  type OffloadRecord,
  parseTrace,
  type PolicyName,
  type PrefetchMode,
  replay,
  type RoutingTrace,
  TraceRecorder,
} from "../mod.ts";
import { finish, withEngine } from "./_engine.ts";

const MODEL = "models/stories-17m-q";

/** Prompts of several chunks, of one token, and one that follows another. */
const PROMPTS = [
  "Once upon a time there was a little dog who lived in a big house.",
  [1],
  "One day the cat and the dog went to the park. They",
  "One day the cat and the dog went to the park. They saw",
];

interface Traced {
  ids: number[][];
  offload: OffloadRecord | undefined;
  trace: RoutingTrace;
}

/** Answers all prompts; counts from the first on, as the trace does. */
async function tracedRun(options: LoadOptions): Promise<Traced> {
  let recorder: TraceRecorder | undefined;
  const all: LoadOptions = {
    chunkSize: 7,
    ...options,
    onRouting: (layer, routing) => recorder?.record(layer, routing),
  };
  return await withEngine(MODEL, all, async (engine) => {
    recorder = new TraceRecorder(engine.name, engine.config);
    const ids = await answer(engine);
    return {
      ids,
      offload: engine.offloadStats?.snapshot(),
      trace: parseTrace(recorder.bytes()),
    };
  });
}

/** Of the model with all experts on the GPU, once for all tests. */
const resident = memoized(() => tracedRun({}));

function memoized<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => made ??= make();
}

async function answer(engine: Engine): Promise<number[][]> {
  const ids: number[][] = [];
  for (const prompt of PROMPTS) {
    const options = { maxTokens: 5, temperature: 0, ignoreEos: true };
    ids.push((await finish(engine.generate(prompt, options))).ids);
  }
  return ids;
}

function assertSameCounts(
  { trace, offload }: Traced,
  options: { slots: number[]; policy: PolicyName },
): void {
  const { layers } = replay(trace, options);
  for (const [layer, { hits, misses, evictions }] of layers.entries()) {
    if (options.slots[layer] === trace.expertCount) continue;
    const counted = offload!.layers[layer]!;
    assertEquals(
      [hits, misses, evictions],
      [counted.hits, counted.misses, counted.evictions],
      `layer ${layer}`,
    );
    assert(hits > 0 && misses > 0);
  }
}

Deno.test("a trace replays with the hits, misses and evictions of its run", async () => {
  const expected = await resident();
  assertEquals(expected.offload, undefined);
  const runs: {
    slots: number[];
    policy: PolicyName;
    prefetch: PrefetchMode;
  }[] = [
    { slots: [3, 3, 3, 3, 3, 3], policy: "lru", prefetch: "off" },
    { slots: [2, 7, 3, 4, 5, 6], policy: "lfu", prefetch: "next-layer" },
    // Layers whose experts are all on the GPU are traced as the others.
    { slots: [8, 4, 8, 8, 2, 3], policy: "class-lru", prefetch: "next-layer" },
  ];
  for (const options of runs) {
    const run = await tracedRun(options);
    assertSameCounts(run, options);
    // Where experts are changes neither routing nor guesses.
    assertEquals(run.ids, expected.ids);
    assertEquals(run.trace, expected.trace);
  }
});

Deno.test("a trace has every token that ran, and the guesses of single ones", async () => {
  const { ids, trace } = await resident();
  const untraced = await withEngine(MODEL, { chunkSize: 7 }, answer);
  assertEquals(ids, untraced);
  const { tokenCount, layerCount, guessCount, topK } = trace;
  const { kinds, guesses, weights } = trace;
  // Chunks of 7: the first prompt has 16 tokens.
  assertEquals([...kinds.subarray(0, 18)].join(""), "211111121111112100");
  for (let token = 0; token < tokenCount; token++) {
    for (let layer = 0; layer < layerCount; layer++) {
      const place = token * layerCount + layer;
      const guess = guesses.subarray(
        place * guessCount,
        (place + 1) * guessCount,
      );
      const isGuessed = kinds[token] === 0 && layer > 0;
      assertEquals(guess.every((id) => id < 8), isGuessed);
      const sum = weights.subarray(place * topK, (place + 1) * topK)
        .reduce((total, weight) => total + Math.round(weight * 65535), 0);
      // Each of the two weights is rounded to 1 / 65535: by half of it at most.
      assert(Math.abs(sum - 65535) <= 1, `weights sum to ${sum} / 65535`);
    }
  }
});
