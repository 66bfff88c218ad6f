/** `Engine.experts`: what it tells, against what was counted and what caches do. */

import { assert, assertEquals } from "@std/assert";
import type { Engine, ExpertActivity, LoadOptions } from "../mod.ts";
import type { RoutingRecord } from "../src/model/routing_reader.ts";
import { ExpertCache } from "../src/offload/expert_cache.ts";
import { seedsOf } from "../src/offload/prefill_seeds.ts";
import { finish, withEngine } from "./_engine.ts";
import { withLab } from "./_offload_lab.ts";
import { tinyCheckpoint } from "./_tiny_checkpoint.ts";

const SEED = 8;
const EXPERT_COUNT = 6;
const TOP_K = 2;
const CONFIG = {
  "num_hidden_layers": 4,
  "num_local_experts": EXPERT_COUNT,
  "num_experts_per_tok": TOP_K,
};
const BASE: LoadOptions = { contextLength: 96, chunkSize: 16 };
const PROMPT = Array.from({ length: 21 }, (_, i) => 3 + (i * 17) % 55);

/** Who decides, and whether guesses are brought in: some layers are resident. */
const WAYS: Readonly<Record<string, LoadOptions>> = {
  "the GPU decides": { slots: [3, 6, 2, 4], residency: "gpu" },
  "the GPU decides and prefetches": {
    slots: [3, 2, 3, 6],
    residency: "gpu",
    prefetch: "next-layer",
  },
  "the host decides": { slots: [3, 6, 2, 4], residency: "cpu" },
  "the host decides and prefetches": {
    slots: [3, 2, 3, 6],
    residency: "cpu",
    prefetch: "next-layer",
  },
  "all are on the GPU": {},
};

/** A text that is sampled token by token, and one that is picked ahead. */
async function talk(engine: Engine, check = () => {}) {
  const sampled = [];
  const options = { temperature: 1.7, seed: SEED, maxTokens: 14, logprobs: 1 };
  for await (
    const { id, logprob } of engine.generate(PROMPT, {
      ...options,
      ignoreEos: true,
    })
  ) {
    sampled.push([id, logprob]);
    check();
  }
  const greedy = await finish(
    engine.generate(PROMPT.slice(3), {
      temperature: 0,
      maxTokens: 30,
      ignoreEos: true,
    }),
  );
  check();
  return { sampled, greedy: greedy.ids };
}

/** What they are without anybody to hear of experts. */
const EXPECTED = lazily(async () => {
  using checkpoint = await tinyCheckpoint({ config: CONFIG, seed: SEED });
  return await withEngine(checkpoint.path, BASE, talk);
});

function lazily<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => made ??= make();
}

for (const [name, options] of Object.entries(WAYS)) {
  Deno.test(`Engine.experts tells all that experts do, where ${name}`, async () => {
    using checkpoint = await tinyCheckpoint({ config: CONFIG, seed: SEED });
    const expected = await EXPECTED();
    const steps: { layer: number; routing: RoutingRecord }[] = [];
    const onRouting = (layer: number, routing: RoutingRecord) => {
      steps.push({ layer, routing: structuredClone(routing) });
    };
    const load = { ...BASE, ...options, watchable: true, onRouting };
    await withEngine(checkpoint.path, load, async (engine) => {
      const { slots } = engine.experts.plan;
      const caches = slots.map((count) =>
        new ExpertCache(count, { expertCount: EXPERT_COUNT })
      );
      const heard: ExpertActivity[] = [];
      using _watch = engine.experts.watch((activity) => heard.push(activity));
      const check = () => {
        assertEquals(heard.length, steps.length);
        for (const [i, { layer, routing }] of steps.splice(0).entries()) {
          assertActivity(heard[i]!, { layer, routing, cache: caches[layer]! });
        }
        tally(heard.splice(0));
        const resident = engine.experts.resident().map((ids) => ids.sort());
        for (const [layer, ids] of resident.entries()) {
          const state = caches[layer]!.state();
          const known = state.filter((id) => id !== undefined).sort();
          const isResident = slots[layer] === EXPERT_COUNT;
          assertEquals(
            ids,
            isResident ? [...Array(EXPERT_COUNT).keys()] : known,
          );
        }
      };
      const sums = { hits: 0, misses: 0, prefillHits: 0, prefillMisses: 0 };
      let stagedCount = 0;
      const tally = (activities: readonly ExpertActivity[]) => {
        for (const { layer, phase, hits, misses, ...guesses } of activities) {
          if (slots[layer] === EXPERT_COUNT) continue;
          const isDecode = phase === "decode";
          sums[isDecode ? "hits" : "prefillHits"] += hits.length;
          sums[isDecode ? "misses" : "prefillMisses"] += misses.length;
          const { prefetched, wasted } = guesses;
          assertEquals(prefetched.filter((id) => !misses.includes(id)), []);
          stagedCount += prefetched.length + wasted.length;
        }
      };
      assertEquals(await talk(engine, check), expected);
      const counted = engine.offloadStats?.snapshot().layers ?? [];
      for (const key of Object.keys(sums) as (keyof typeof sums)[]) {
        assertEquals(sums[key], counted.reduce((sum, l) => sum + l[key], 0));
      }
      const isPrefetched = options.prefetch === "next-layer";
      assertEquals(stagedCount > 0, isPrefetched, "guesses are heard of");
      if (counted.length > 0) assert(sums.hits > 0 && sums.misses > 0);
    });
  });
}

/** Has a cache of its own do what the engine should have done. */
function assertActivity(
  { hits, misses, ...activity }: ExpertActivity,
  { layer, routing, cache }: {
    layer: number;
    routing: RoutingRecord;
    cache: ExpertCache;
  },
): void {
  const ids = [...new Set(routing.ids)];
  const isDecode = routing.ids.length === TOP_K;
  assertEquals(activity.layer, layer);
  assertEquals(activity.phase, isDecode ? "decode" : "prefill");
  const isAlwaysThere = cache.slotCount === EXPERT_COUNT;
  const isHit = (id: number) => isAlwaysThere || cache.slotOf(id) !== undefined;
  assertEquals(hits.toSorted(), ids.filter(isHit).sort());
  assertEquals(misses.toSorted(), ids.filter((id) => !isHit(id)).sort());
  if (isDecode) {
    cache.acquire(ids);
  } else {
    cache.touch(ids.sort());
    cache.seed(seedsOf(routing.ids, TOP_K));
  }
}

Deno.test("Engine.experts tells several, until they want no more, and costs no bits", async () => {
  using checkpoint = await tinyCheckpoint({ config: CONFIG, seed: SEED });
  const expected = await EXPECTED();
  const load = { ...BASE, watchable: true };
  await withEngine(checkpoint.path, load, async (engine) => {
    assertEquals(await talk(engine), expected);
    const counts = [0, 0];
    const first = engine.experts.watch(() => counts[0]!++);
    {
      using _second = engine.experts.watch(() => counts[1]!++);
      assertEquals(await talk(engine), expected);
    }
    assert(counts[0]! > 0);
    assertEquals(counts[0], counts[1]);
    first[Symbol.dispose]();
    const before = [...counts];
    assertEquals(await talk(engine), expected);
    assertEquals(counts, before);
  });
});

Deno.test("ExpertWatch hears nothing of tokens that ran before it, nor half of a run", async () => {
  using checkpoint = await tinyCheckpoint({ config: CONFIG, seed: SEED });
  await withLab(checkpoint.path, async (lab) => {
    using model = await lab.resident(16, { isWatchable: true });
    await model.forward(PROMPT, 0);
    let heardCount = 0;
    const pick = (position: number) =>
      model.pickAhead(7, { position, count: 6 });
    const running = pick(PROMPT.length);
    const watch = model.watch.add(() => heardCount++); // while it is recorded
    await running;
    assertEquals(heardCount, 0);
    await pick(PROMPT.length + 6);
    assertEquals(heardCount, 6 * CONFIG.num_hidden_layers);
    const last = pick(PROMPT.length + 12);
    watch[Symbol.dispose]();
    await last;
    assertEquals(heardCount, 6 * CONFIG.num_hidden_layers);
  });
});

Deno.test("Engine.experts is silent about resident layers unless watchable", async () => {
  using checkpoint = await tinyCheckpoint({ config: CONFIG, seed: SEED });
  await withEngine(checkpoint.path, BASE, async (engine) => {
    using _watch = engine.experts.watch(() => {
      throw new Error("nothing is read back");
    });
    await talk(engine);
  });
});
