/** Parts of guessed experts, where the GPU itself stages them. */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { Gpu } from "../src/gpu/device.ts";
import type { RoutingRecord } from "../src/model/routing_reader.ts";
import type { Mixtral } from "../src/model/mixtral.ts";
import { ExpertCache } from "../src/offload/expert_cache.ts";
import { planStage } from "../src/offload/stage_plan.ts";
import { GpuWatch } from "./_offload_calls.ts";
import { editKernels } from "./_gpu.ts";
import { WAY, type Way, withLab } from "./_offload_lab.ts";
import { checkShadow } from "./_offload_shadow.ts";
import { assertSameBits, MODELS, talk, TURNS } from "./_offload_talk.ts";
import { withRandom } from "./_random.ts";

const STAGING: Omit<Way, "slots"> = {
  ...WAY,
  residency: "gpu",
  prefetch: "next-layer",
};

/** Slots, and into how many pieces an expert is cut: whole, most of it, a part. */
const WAYS: readonly Way[] = [
  { ...STAGING, slots: [2, 2, 2], pieceCount: 1 },
  { ...STAGING, slots: [3, 2, 4], pieceCount: 12, prefetchExperts: 1 },
  { ...STAGING, slots: [5, 5, 3], pieceCount: 30, policy: "class-lru" },
  { ...STAGING, slots: [8, 3, 3], pieceCount: 40, bankSlotLimit: 1 },
  { ...STAGING, slots: [3, 8, 3], pieceCount: 7 }, // nothing guesses the last
];

/** Routing of each token, by layer. */
type Trace = RoutingRecord[][];

/** What should have been staged, by a look at the routing alone. */
function replay(
  trace: Trace,
  { way, caches, expertByteLength }: {
    way: Way;
    caches: readonly (ExpertCache | null)[];
    expertByteLength: number;
  },
) {
  const pieceByteLength = 16 *
    Math.ceil(expertByteLength / way.pieceCount / 16);
  const plan = planStage({ expertByteLength, pieceByteLength });
  const layers = caches.map(() => ({ used: 0, wasted: 0, demand: 0 }));
  for (const token of trace) {
    let staged: { expert: number; byteLength: number } | null = null;
    for (const [layer, { ids, guess }] of token.entries()) {
      const cache = caches[layer]!;
      const counts = layers[layer]!;
      const experts = [...ids];
      const missing = cache?.missing(experts) ?? [];
      counts.demand += missing.length * expertByteLength;
      if (staged !== null) {
        const isUsed = missing.includes(staged.expert);
        counts[isUsed ? "used" : "wasted"] += staged.byteLength;
        if (isUsed) counts.demand -= staged.byteLength;
      }
      cache?.acquire(experts);
      const looked = [...guess].slice(0, way.prefetchExperts);
      const expert = caches[layer + 1]?.missing(looked)[0];
      const hasRest = cache !== null && missing.length === 0;
      staged = expert === undefined ? null : {
        expert,
        byteLength: 16 * (plan.trunkCount + (hasRest ? plan.expertsCount : 0)),
      };
    }
  }
  return layers;
}

for (const [i, way] of WAYS.entries()) {
  Deno.test(`The GPU stages what a replay of its routing says, way ${i}`, async () => {
    await withLab(
      MODELS.a_gqa_8e,
      (lab) =>
        withRandom(71 + i, async (random) => {
          const trace: Trace = [];
          using model = await lab.offloaded({
            ...way,
            onRouting(layer, { ids, weights, guess }) {
              if (layer === 0 || trace.length === 0) trace.push([]);
              trace.at(-1)![layer] = {
                ids: ids.slice(),
                weights,
                guess: guess.slice(),
              };
            },
          });
          const caches = way.slots.map((count) =>
            count === 8 ? null : new ExpertCache(count, {
              expertCount: 8,
              policy: way.policy,
            })
          );
          const tokens = random.integers(40, lab.config.vocabSize);
          for (const [position, id] of tokens.entries()) {
            await model.forward([id], position);
          }
          await checkShadow(lab, way, model);
          assertEquals(trace.length, tokens.length);
          const { expertByteLength } = lab;
          const expected = replay(trace, { way, caches, expertByteLength });
          const { layers } = model.offloadStats!.snapshot();
          assertEquals(
            layers.map(({ byteLengths }) => ({
              used: byteLengths.prefetchUsed,
              wasted: byteLengths.prefetchWasted,
              demand: byteLengths.demand,
            })),
            expected,
          );
          const total = (key: "used" | "wasted") =>
            expected.reduce((sum, layer) => sum + layer[key], 0);
          assert(total("used") > 0 && total("wasted") > 0);
          const twins = caches.filter((cache) => cache !== null);
          assertEquals(
            model.caches.map((cache) => cache.save()),
            twins.map((cache) => cache.save()),
          );
        }),
    );
  });
}

Deno.test("The slots hold what the GPU's table says, whatever was staged", async () => {
  await withLab(MODELS.a_gqa_8e, async (lab) => {
    for (const way of WAYS) {
      using model = await lab.offloaded(way);
      await talk(model, TURNS, 72);
      assert(await checkShadow(lab, way, model) > 0);
    }
  });
});

/** Has stage.wgsl write something else. */
function spoil(gpu: Gpu): Disposable {
  return editKernels(gpu, ({ name, code }) => {
    if (name !== "stage.wgsl") return { name, code };
    return {
      name: `spoilt ${name}`,
      code: code.replaceAll(
        /pool\[first \+ i\]/g,
        "($& ^ vec4u(0x00400040u))",
      ),
    };
  });
}

Deno.test("Mixtral reads what was staged: spoilt, it says something else", async () => {
  await withLab(MODELS.a_gqa_8e, async (lab) => {
    using resident = await lab.resident(WAY.chunkSize);
    const expected = await talk(resident, TURNS, 73);
    for (const pieceCount of [1, 12]) {
      const way = { ...STAGING, slots: [3, 3, 3], pieceCount };
      using model = await lab.offloaded(way);
      assertSameBits(await talk(model, TURNS, 73), expected, "not spoilt");
      using _spoilt = spoil(lab.gpu);
      using other = await lab.offloaded(way);
      assertNotEquals((await talk(other, TURNS, 73)).logits, expected.logits);
    }
  });
});

Deno.test("Mixtral.pickAhead() stages, creates nothing and picks the same", async () => {
  await withLab(MODELS.a_gqa_8e, async (lab) => {
    const pick = async (model: Mixtral) => {
      await model.forward([5, 80, 33, 9], 0);
      const ids: number[] = [];
      for (const count of [1, 8, 8, 3]) {
        const where = { position: 4 + ids.length, count };
        ids.push(...await model.pickAhead(ids.at(-1) ?? 7, where));
      }
      return ids;
    };
    using resident = await lab.resident(WAY.chunkSize);
    const expected = await pick(resident);
    for (const prefetch of ["next-layer", "auto"] as const) {
      const way: Way = { ...STAGING, slots: [2, 3, 2], prefetch };
      using model = await lab.offloaded(way);
      using watch = new GpuWatch();
      assertEquals(await pick(model), expected);
      assertEquals(watch.created(), {});
      const { layers } = model.offloadStats!.snapshot();
      assert(layers.some(({ byteLengths }) => byteLengths.prefetchUsed > 0));
      await checkShadow(lab, way, model);
    }
  });
});

Deno.test("Nothing is staged while the switch is off", async () => {
  await withLab(MODELS.a_gqa_8e, async (lab) => {
    const way: Way = { ...STAGING, slots: [2, 2, 2], prefetch: "auto" };
    using model = await lab.offloaded(way);
    const { prefetch } = model.offload!.staging!;
    const bytes = () =>
      model.offloadStats!.snapshot().layers.reduce(
        (sum, { byteLengths: { prefetchUsed, prefetchWasted } }) =>
          sum + prefetchUsed + prefetchWasted,
        0,
      );
    const seen = new Set<boolean>();
    for (let i = 0; i < 60; i++) {
      const before = bytes();
      await model.forward([(i * 53) % 128], i);
      if (!prefetch.isOn) assertEquals(bytes(), before);
      else assert(bytes() > before, `token ${i}`);
      seen.add(prefetch.isOn);
    }
    assertEquals(seen.size, 2);
  });
});
