/**
 * Residency decided on the GPU: after any run its table is what a twin in TypeScript
 * has that hears of the same routings, and nobody can tell who decided.
 */

import { assert, assertEquals } from "@std/assert";
import { loadSynthetic, type RoutingTrace } from "../mod.ts";
import type { Mixtral } from "../src/model/mixtral.ts";
import type { RoutingRecord } from "../src/model/routing_reader.ts";
import { ExpertCache } from "../src/offload/expert_cache.ts";
import { differenceOf } from "../src/offload/offload_stats.ts";
import { seedsOf } from "../src/offload/prefill_seeds.ts";
import { AHEAD_LIMIT } from "../src/ops/step.ts";
import { finish } from "./_engine.ts";
import { settle } from "./_gpu.ts";
import { WAY, type Way, withLab } from "./_offload_lab.ts";
import { checkShadow } from "./_offload_shadow.ts";
import {
  assertSameBits,
  MODELS,
  talk,
  type Turn,
  TURNS,
} from "./_offload_talk.ts";
import { Random } from "./_random.ts";
import { tinyCheckpoint } from "./_tiny_checkpoint.ts";

const SEED = 61;
const GPU_WAY: Omit<Way, "slots"> = { ...WAY, residency: "gpu" };

/** Plays what a model's layers hear, each with a cache of its own. */
class Twin {
  readonly caches = new Map<number, ExpertCache>();
  readonly #topK: number;
  readonly #way: Pick<Way, "slots" | "policy">;
  tokenCount = 0;

  constructor(way: Pick<Way, "slots" | "policy">, topK: number) {
    this.#way = way;
    this.#topK = topK;
  }

  readonly hear = (layer: number, { ids }: RoutingRecord): void => {
    const slotCount = this.#way.slots[layer]!;
    let cache = this.caches.get(layer);
    if (cache === undefined) {
      const options = { expertCount: 8, policy: this.#way.policy };
      this.caches.set(layer, cache = new ExpertCache(slotCount, options));
    }
    if (layer === 0) this.tokenCount += ids.length / this.#topK;
    if (ids.length === this.#topK) {
      cache.acquire([...ids]);
    } else {
      cache.touch([...new Set(ids)].sort((a, b) => a - b));
      cache.seed(seedsOf(ids, this.#topK));
    }
  };

  /** Fails unless a model's caches are in the same state, counters included. */
  check({ caches }: Mixtral): void {
    const offloaded = [...this.#way.slots.keys()]
      .filter((layer) => this.#way.slots[layer]! < 8);
    assertEquals(
      caches.map((cache) => cache.save()),
      offloaded.map((layer) => this.caches.get(layer)!.save()),
    );
  }
}

const LONG: readonly Turn[] = [
  { keep: 0, promptLength: 1, answerLength: 60 },
  { keep: 20, promptLength: 40, answerLength: 30 },
  { keep: -1, promptLength: 1, answerLength: 40 },
];

const WALKS: readonly (Pick<Way, "slots" | "policy"> & {
  readonly name: keyof typeof MODELS;
  readonly bankSlotLimit?: number;
})[] = [
  { name: "a_gqa_8e", slots: [2, 2, 2], policy: "lru" },
  { name: "a_gqa_8e", slots: [3, 8, 7], policy: "lfu" },
  { name: "a_gqa_8e", slots: [2, 5, 3], policy: "class-lru", bankSlotLimit: 2 },
  { name: "stories-17m-q", slots: [2, 3, 4, 5, 6, 7], policy: "lru" },
  { name: "stories-17m-q", slots: [3, 8, 2, 8, 8, 4], policy: "class-lru" },
];

for (const { name, ...walk } of WALKS) {
  Deno.test(`GpuResidency keeps the table that its twin has: ${name}, ${walk.policy}, slots ${walk.slots}`, async () => {
    await withLab(MODELS[name], async (lab) => {
      const twin = new Twin(walk, lab.config.numExpertsPerTok);
      const way = { ...GPU_WAY, ...walk, onRouting: twin.hear };
      using model = await lab.offloaded(way);
      for (const turn of LONG) {
        await talk(model, [{ ...turn, keep: 0 }], SEED);
        twin.check(model);
      }
      assert(twin.tokenCount > 150);
      const { layers } = model.offloadStats!.snapshot();
      assert(layers.some(({ evictions }) => evictions > 20), "all was calm");
      assert(await checkShadow(lab, way, model) > 0);
    });
  });
}

Deno.test("GpuResidency decides between tokens of one submit as between others", async () => {
  await withLab(MODELS.a_gqa_8e, async (lab) => {
    const slots = [2, 3, 2];
    const run = async (counts: readonly number[]) => {
      const twin = new Twin({ slots, policy: "lru" }, 2);
      const heard: number[] = [];
      const onRouting = (layer: number, routing: RoutingRecord) => {
        twin.hear(layer, routing);
        heard.push(layer, ...routing.ids, ...routing.guess);
      };
      using model = await lab.offloaded({ ...GPU_WAY, slots, onRouting });
      assertEquals(model.aheadLimit, AHEAD_LIMIT);
      await model.forward([5, 80, 3], 0);
      const before = model.offloadStats!.snapshot();
      const ids = [7];
      for (const count of counts) {
        const where = { position: 2 + ids.length, count };
        ids.push(...await model.pickAhead(ids.at(-1)!, where));
      }
      twin.check(model);
      const { tokenCount, layers } = differenceOf(
        model.offloadStats!.snapshot(),
        before,
      );
      return { ids, heard, tokenCount, layers };
    };
    const expected = await run(Array(AHEAD_LIMIT).fill(1));
    assertEquals(expected.tokenCount, AHEAD_LIMIT);
    assertEquals(await run([AHEAD_LIMIT]), expected);
    assertEquals(await run([8, 8, 8]), expected);
    assertEquals(await run([3, 8, 1, 5, 7]), expected);
    using resident = await lab.resident(WAY.chunkSize);
    await resident.forward([5, 80, 3], 0);
    const picked = await resident.pickAhead(7, { position: 3, count: 8 });
    assertEquals(expected.ids.slice(1, 9), picked);
  });
});

Deno.test("GpuResidency counts and reports as the host does", async () => {
  await withLab(MODELS.a_gqa_8e, async (lab) => {
    const run = async (residency: Way["residency"]) => {
      const heard: unknown[] = [];
      const way = { ...WAY, slots: [3, 4, 2], residency };
      using model = await lab.offloaded({
        ...way,
        onRouting: (layer, { ids, weights, guess }) =>
          heard.push([layer, [...ids], [...weights], [...guess]]),
      });
      await talk(model, TURNS, SEED);
      const { tokenCount, layers } = model.offloadStats!.snapshot();
      return { heard, tokenCount, layers };
    };
    assertEquals(await run("gpu"), await run("cpu"));
  });
});

Deno.test("GpuResidency starts over with empty slots after a step that failed", async () => {
  await withLab(MODELS.a_gqa_8e, async (lab) => {
    using resident = await lab.resident(WAY.chunkSize);
    const expected = await talk(resident, TURNS, SEED);
    const way = { ...GPU_WAY, slots: [2, 3, 2] };
    using model = await lab.offloaded(way);
    await talk(model, TURNS, SEED + 1);
    const { queue } = lab.gpu.device;
    const submit = queue.submit;
    queue.submit = () => {
      queue.submit = submit;
      throw new Error("lost");
    };
    const failure = await model.forward([3], 9).catch((error) => error.message);
    assertEquals(failure, "lost");
    await checkShadow(lab, way, model);
    assertSameBits(await talk(model, TURNS, SEED), expected, "after a failure");
    await checkShadow(lab, way, model);
  });
});

Deno.test("GpuResidency starts over after a token of which nobody knows how far it got", async () => {
  using directory = await tinyCheckpoint({
    config: { "num_hidden_layers": 17 },
  });
  await withLab(directory.path, async (lab) => {
    Object.assign(lab.gpu, { isSoftware: false }); // submits on the way
    using resident = await lab.resident(WAY.chunkSize);
    const expected = await talk(resident, TURNS, SEED);
    const way = { ...GPU_WAY, slots: Array(17).fill(2) };
    using model = await lab.offloaded(way);
    for (const nth of [1, 2, 3]) {
      await talk(model, TURNS, SEED + nth);
      const { queue } = lab.gpu.device;
      const submit = queue.submit;
      let left = nth;
      queue.submit = (commands) => {
        if (--left === 0) throw new Error("lost");
        submit.call(queue, commands);
      };
      const failure = await model.forward([3 + nth], 9)
        .catch((error) => error.message);
      queue.submit = submit;
      assertEquals(failure, "lost");
      // A prompt first: the host takes the table over.
      assertSameBits(await talk(model, TURNS, SEED), expected, `${nth}`);
      await checkShadow(lab, way, model);
    }
  });
});

/** A trace of one token after another, the same experts in every layer. */
function traceOf(
  tokens: readonly (readonly number[])[],
  layerCount: number,
): RoutingTrace {
  const experts = tokens.flatMap((ids) =>
    Array.from({ length: layerCount }, () => ids).flat()
  );
  return {
    model: "made up",
    layerCount,
    expertCount: 8,
    topK: 2,
    guessCount: 0,
    tokenCount: tokens.length,
    kinds: new Uint8Array(tokens.length).fill(2),
    experts: Uint8Array.from(experts),
    weights: new Float32Array(experts.length).fill(0.5),
    guesses: new Uint8Array(0),
  } as unknown as RoutingTrace;
}

const PATTERNS: Readonly<Record<string, readonly (readonly number[])[]>> = {
  "always missing": Array.from(
    { length: 40 },
    (_, i) => [(2 * i) % 8, (2 * i + 1) % 8],
  ),
  "taking turns": Array.from({ length: 40 }, (_, i) => i % 2 ? [0, 1] : [2, 3]),
  "the same again and again": Array.from(
    { length: 40 },
    (_, i) => i % 10 === 9 ? [6, 7] : [1, 4],
  ),
  "by chance": Array.from({ length: 40 }, (_, i) => {
    const random = new Random(SEED + i);
    const first = random.integer(8);
    return [first, (first + 1 + random.integer(7)) % 8];
  }),
};

/** Few, some and many; what chance routes goes through all of them. */
const slotsOf: Readonly<Record<string, readonly number[]>> = {
  "always missing": [2],
  "taking turns": [3],
  "the same again and again": [2],
  "by chance": [2, 3, 6],
};

for (const [pattern, tokens] of Object.entries(PATTERNS)) {
  Deno.test(`GpuResidency gives the same text and counts as the host, ${pattern}`, async () => {
    try {
      const routing = traceOf(tokens, 3);
      const run = async (residency: "gpu" | "cpu", slots: number) => {
        using engine = await loadSynthetic("tiny", {
          routing,
          residency,
          slots,
          prefetch: "off", // the two begin at different tokens, where it is on
          chunkSize: 16,
        });
        const { ids, offload } = await finish(
          engine.generate([0, 1, 2], { temperature: 0, maxTokens: 30 }),
        );
        return { ids, layers: offload!.layers };
      };
      for (const slots of slotsOf[pattern]!) {
        assertEquals(await run("gpu", slots), await run("cpu", slots));
      }
    } finally {
      await settle();
    }
  });
}
