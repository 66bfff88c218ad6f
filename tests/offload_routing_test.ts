/** What changes the way a layer is run in the middle of an answer. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { WAY, withLab } from "./_offload_lab.ts";
import { checkShadow } from "./_offload_shadow.ts";
import { assertSameBits, MODELS, talk } from "./_offload_talk.ts";

const SEED = 9;
/** Longer than the trials of `auto`, which end after 48 tokens. */
const TURNS = [
  { keep: 0, promptLength: 20, answerLength: 60 },
  { keep: 30, promptLength: 20, answerLength: 10 },
];

Deno.test("Mixtral gives the same bits while auto tries both ways", async () => {
  await withLab(MODELS.a_gqa_8e, async (lab) => {
    using resident = await lab.resident(WAY.chunkSize);
    const expected = await talk(resident, TURNS, SEED);
    for (const pieceCount of [1, 9]) {
      const way = {
        ...WAY,
        slots: [2, 3, 2],
        prefetch: "auto" as const,
        pieceCount,
      };
      using model = await lab.offloaded(way);
      const what = `seed ${SEED}, ${pieceCount} pieces`;
      assertSameBits(await talk(model, TURNS, SEED), expected, what);
      await checkShadow(lab, way, model);
      const { layers } = model.offloadStats!.snapshot();
      assert(layers[1]!.byteLengths.prefetchUsed > 0);
    }
  });
});

Deno.test("Mixtral tells every routing to its listener", async () => {
  await withLab(MODELS.a_gqa_8e, async (lab) => {
    using resident = await lab.resident(WAY.chunkSize);
    const expected = await talk(resident, TURNS, SEED);
    const topK = lab.config.numExpertsPerTok;
    for (
      const choice of [
        { prefetch: "off", residency: "cpu" },
        { prefetch: "next-layer", residency: "cpu" },
        { prefetch: "off", residency: "gpu" },
      ] as const
    ) {
      const heard: number[] = [];
      const tokens = [0, 0, 0];
      using model = await lab.offloaded({
        ...WAY,
        ...choice,
        slots: [2, 8, 2],
        onRouting: (layer, { ids, weights }) => {
          heard.push(layer);
          tokens[layer]! += ids.length / topK;
          assertEquals(weights.length, ids.length);
          for (let row = 0; row < weights.length; row += topK) {
            const sum = weights.subarray(row, row + topK)
              .reduce((a, b) => a + b);
            assert(Math.abs(sum - 1) < 1e-6, `weights add up to ${sum}`);
          }
        },
      });
      const actual = await talk(model, TURNS, SEED);
      assertSameBits(
        actual,
        expected,
        `seed ${SEED}, ${JSON.stringify(choice)}`,
      );
      // Prompts of 20 tokens, and all answers but for their last tokens.
      assertEquals(tokens, Array(3).fill(20 + 59 + 20 + 9));
      assertEquals(heard.slice(0, 6), [0, 1, 2, 0, 1, 2]);
    }
  });
});

Deno.test("Mixtral survives one who watches its experts and throws", async () => {
  await withLab(MODELS.a_gqa_8e, async (lab) => {
    using resident = await lab.resident(WAY.chunkSize);
    const turns = [{ keep: 0, promptLength: 20, answerLength: 4 }];
    const expected = await talk(resident, turns, SEED);
    for (const residency of ["cpu", "gpu"] as const) {
      const way = { ...WAY, slots: [2, 2, 2], residency };
      using model = await lab.offloaded(way);
      let left = Infinity;
      using _watch = model.watch.add(() => {
        if (--left === 0) throw new Error("no room to write it down");
      });
      const expectFailure = (run: () => Promise<unknown>) =>
        assertRejects(run, Error, "no room to write it down");
      for (const nth of [2, 8]) { // in prefill, and in decode
        left = nth;
        await expectFailure(() => talk(model, turns, SEED));
        await checkShadow(lab, way, model);
        assertSameBits(await talk(model, turns, SEED), expected, `${nth}`);
      }
      if (model.aheadLimit === 0) continue;
      await model.forward([5], 0);
      left = 2; // in the first of several logs
      const where = { position: 1, count: 5 };
      await expectFailure(() => model.pickAhead(9, where));
      await checkShadow(lab, way, model);
      assertSameBits(await talk(model, turns, SEED), expected, "ahead");
    }
  });
});

Deno.test("Mixtral survives a listener that throws", async () => {
  await withLab(MODELS.a_gqa_8e, async (lab) => {
    using resident = await lab.resident(WAY.chunkSize);
    const turns = [{ keep: 0, promptLength: 20, answerLength: 8 }];
    const expected = await talk(resident, turns, SEED);
    for (const residency of ["cpu", "gpu"] as const) {
      let left = Infinity;
      const way = {
        ...WAY,
        slots: [2, 2, 2],
        prefetch: "next-layer" as const,
        residency,
        onRouting: () => {
          if (--left === 0) throw new Error("no room for the trace");
        },
      };
      using model = await lab.offloaded(way);
      for (const nth of [1, 2, 3, 8, 12]) {
        left = nth;
        await assertRejects(
          () => talk(model, turns, SEED),
          Error,
          "no room for the trace",
        );
        await checkShadow(lab, way, model);
        assertSameBits(await talk(model, turns, SEED), expected, `${nth}`);
      }
    }
  });
});
