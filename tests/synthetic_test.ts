/** Models that are made up route as they are told to. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type Engine,
  loadSynthetic,
  parseTrace,
  replay,
  type RoutingTrace,
  type SyntheticOptions,
  TraceRecorder,
} from "../mod.ts";
import { syntheticConfig } from "../src/model/synthetic_shapes.ts";
import { syntheticTrace } from "../src/offload/synthetic_trace.ts";
import { finish } from "./_engine.ts";
import { settle } from "./_gpu.ts";

const SHAPE = { layerCount: 3, expertCount: 8, topK: 2 };

async function withSynthetic<T>(
  options: SyntheticOptions,
  fn: (engine: Engine) => Promise<T>,
): Promise<T> {
  try {
    using engine = await loadSynthetic("tiny", options);
    return await fn(engine);
  } finally {
    await settle();
  }
}

/** Runs ids in order: `promptLength` as a prompt, the rest one by one. */
async function route(
  options: SyntheticOptions,
  { promptLength, tokenCount, firstId = 0 }: {
    promptLength: number;
    tokenCount: number;
    firstId?: number;
  },
) {
  let recorder: TraceRecorder | undefined;
  const all: SyntheticOptions = {
    chunkSize: 16,
    ...options,
    onRouting: (layer, routing) => recorder?.record(layer, routing),
  };
  return await withSynthetic(all, async (engine) => {
    recorder = new TraceRecorder(engine.name, engine.config);
    const prompt = Array.from({ length: promptLength }, (_, i) => firstId + i);
    const { ids } = await finish(engine.generate(prompt, {
      // The last token is picked, but runs no more.
      maxTokens: tokenCount - promptLength + 1,
      temperature: 0,
    }));
    return {
      ids,
      trace: parseTrace(recorder.bytes()),
      stats: engine.offloadStats?.snapshot(),
    };
  });
}

function expertsOf(trace: RoutingTrace, tokens: readonly number[]): number[][] {
  const width = trace.layerCount * trace.topK;
  return tokens.map((token) => {
    const at = token % trace.tokenCount * width;
    return [...trace.experts.subarray(at, at + width)];
  });
}

const range = (first: number, end: number) =>
  Array.from({ length: end - first }, (_, i) => first + i);

Deno.test("loadSynthetic() routes every token of a trace in every layer", async () => {
  const routing = syntheticTrace({ ...SHAPE, seed: 3, tokenCount: 60 });
  const wanted = expertsOf(routing, range(0, 80)); // it begins anew at 60
  const ways: [SyntheticOptions, { promptLength: number }][] = [
    [{}, { promptLength: 80 }],
    [{ slots: 2, prefetch: "next-layer" }, { promptLength: 1 }],
    [{ slots: 5, seed: 9 }, { promptLength: 40 }],
    [{ attnBits: 16, expertBits: 3, slots: 3 }, { promptLength: 70 }],
  ];
  for (const [options, { promptLength }] of ways) {
    const { ids, trace } = await route(
      { ...options, routing },
      { promptLength, tokenCount: 80 },
    );
    assertEquals(expertsOf(trace, range(0, 80)), wanted);
    // The most probable token is always the next.
    assertEquals(ids, range(promptLength, 81));
  }
});

Deno.test("loadSynthetic() makes up routing that varies by token and seed", async () => {
  const first = await route({}, { promptLength: 256, tokenCount: 256 });
  const other = await route({ seed: 2 }, { promptLength: 9, tokenCount: 9 });
  const rows = expertsOf(first.trace, range(0, 256)).map(String);
  assert(new Set(rows).size > 250, "tokens route alike");
  assert(String(expertsOf(other.trace, [0, 1])) !== String(rows.slice(0, 2)));
  for (let expert = 0; expert < 8; expert++) {
    const uses = first.trace.experts.filter((id) => id === expert).length;
    // Of 1536 uses: 192 on average, with a standard deviation of 13.
    assert(uses > 140 && uses < 244, `expert ${expert} has ${uses} uses`);
  }
  // Any text routes by its ids alone, whatever came before.
  const late = await route({}, { promptLength: 3, tokenCount: 5, firstId: 99 });
  assertEquals(
    expertsOf(late.trace, range(0, 5)).map(String),
    rows.slice(99, 104),
  );
});

Deno.test("loadSynthetic() has the hit rate that is asked for", async () => {
  for (const [hitRate, slots] of [[0.8, 4], [0.45, 2]] as const) {
    const { trace, stats } = await route(
      { routing: { hitRate, slots }, slots },
      { promptLength: 1, tokenCount: 256 },
    );
    const layers = stats!.layers;
    const hits = layers.reduce((sum, layer) => sum + layer.hits, 0);
    assertEquals(hits, replay(trace, { slots }).hits);
    const rate = hits / (256 * 3 * 2);
    assert(Math.abs(rate - hitRate) <= 0.01, `${rate}, wanted ${hitRate}`);
  }
});

Deno.test("loadSynthetic() says in a sentence what it cannot make up", async () => {
  const routing = syntheticTrace({ ...SHAPE, seed: 3, tokenCount: 9 });
  const cases: [Parameters<typeof loadSynthetic>, string][] = [
    [
      ["mixtral" as "tiny"],
      'Cannot make up a model: there is no shape "mixtral", wanted mixtral-8x7b or tiny',
    ],
    [
      [{ ...syntheticConfig("tiny"), numHiddenLayers: 9 }],
      "Cannot make up a model of 9 layers of 8 experts: routing takes 72 of its 128 hidden dimensions, wanted at most half of them",
    ],
    [
      [{ ...syntheticConfig("tiny"), intermediateSize: 90 }],
      "Cannot make up a model: its intermediate size is 90, wanted a multiple of 4",
    ],
    [
      ["tiny", { seed: 0.5 }],
      "Cannot make up a model: the seed is 0.5, wanted a whole number from 0 to 2147483647",
    ],
    [
      ["mixtral-8x7b", { routing }],
      "Cannot route by a trace of 3 layers with 2 of 8 experts a token: the model has 32 layers with 2 of 8 experts a token, wanted the same",
    ],
    [
      ["tiny", {
        routing: syntheticTrace({ ...SHAPE, seed: 3, tokenCount: 257 }),
      }],
      "Cannot route by a trace of 257 tokens: each takes an id, wanted 1 to 256",
    ],
    [
      ["tiny", { routing: { hitRate: 0.1, slots: 9 } }],
      "Cannot replay layer 0: it gets 9 slots, wanted 2 to 8",
    ],
  ];
  for (const [args, message] of cases) {
    await assertRejects(() => loadSynthetic(...args), RangeError, message);
  }
  await assertRejects(
    () => loadSynthetic("tiny", { routing: { hitRate: 0.1, slots: 4 } }),
    RangeError,
    "Cannot make up routing with a hit rate of 0.1: with 4 of 8 experts in slots it can be 0.",
  );
});
