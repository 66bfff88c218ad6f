/** What a token costs in GPU objects, submits and read-backs. */

import { assert, assertEquals } from "@std/assert";
import type { Mixtral } from "../src/model/mixtral.ts";
import { GpuWatch } from "./_offload_calls.ts";
import { WAY, type Way, withLab } from "./_offload_lab.ts";
import { MODELS } from "./_offload_talk.ts";

const WAYS: Readonly<Record<string, Way>> = {
  "pinned experts": { ...WAY, slots: [2, 2, 2] },
  "pinned experts and prefetch": {
    ...WAY,
    slots: [3, 2, 2],
    prefetch: "next-layer",
    pieceCount: 9,
  },
  "experts in array buffers": {
    ...WAY,
    slots: [2, 3, 2],
    stores: ["array-buffer"],
  },
  "experts on disk": { ...WAY, slots: [2, 2, 2], stores: ["disk"] },
  "experts in all stores": {
    ...WAY,
    slots: [2, 2, 2],
    stores: ["array-buffer", "pinned", "disk"],
    prefetch: "next-layer",
  },
  "the GPU deciding": { ...WAY, slots: [2, 8, 3], residency: "gpu" },
  "the GPU deciding over split slots": {
    ...WAY,
    slots: [4, 2, 3],
    residency: "gpu",
    bankSlotLimit: 2,
    prefetch: "next-layer",
  },
  "some layers resident": { ...WAY, slots: [8, 2, 8] },
  "all layers resident": { ...WAY, slots: [8, 8, 8] },
};

const PROMPT = Array.from({ length: 30 }, (_, i) => (i * 37) % 128);

/** A prompt of two chunks, the second of which is not full. */
const prefill = (model: Mixtral) => model.forward(PROMPT, 0);

/**
 * Tokens one by one, spread out so that experts come and go.
 *
 * @returns How often a layer missed an expert of a token.
 */
async function decode(model: Mixtral, count: number): Promise<number> {
  const misses = () =>
    model.offloadStats?.snapshot().layers.map((layer) => layer.misses) ?? [];
  let missCount = 0;
  for (let i = 0; i < count; i++) {
    const before = misses();
    await model.forward([(i * 53) % 128], PROMPT.length + i);
    missCount += misses().filter((now, layer) => now > before[layer]!).length;
  }
  return missCount;
}

for (const [what, way] of Object.entries(WAYS)) {
  Deno.test(`Mixtral creates no GPU object for a token with ${what}`, async () => {
    await withLab(MODELS.a_gqa_8e, async (lab) => {
      using model = await lab.offloaded(way);
      using watch = new GpuWatch();
      await prefill(model); // also the very first prompt
      assertEquals(watch.created(), {});
      await decode(model, 12);
      assertEquals(watch.created(), {});
      await prefill(model);
      for await (const _ of model.forwardAll(PROMPT, 0)); // all logits
      assertEquals(watch.created(), {});
      assert(watch.count("submit") > 0, "nothing was counted");
      assertEquals(watch.buffers, []);
    });
  });
}

/** Layers that are not resident. */
const offloadedCount = ({ slots }: Way) =>
  slots.filter((count) => count < 8).length;

for (const [what, way] of Object.entries(WAYS)) {
  const isPinned = way.stores.join() === "pinned";
  const isDecided = way.residency === "gpu";
  const reads = isDecided
    ? "once"
    : "once a layer that is not resident, and once,";
  Deno.test(`Mixtral reads back ${reads} with ${what}`, async () => {
    await withLab(MODELS.a_gqa_8e, async (lab) => {
      using model = await lab.offloaded(way);
      using watch = new GpuWatch();
      const perLayer = offloadedCount(way) + 1;
      const check = (
        { wanted, stepCount, missCount }: {
          wanted: number;
          stepCount: number;
          missCount: number;
        },
      ) => {
        const submits = watch.count("submit");
        // One for each read, and one more for the copy of a layer that misses.
        const most = stepCount * wanted + missCount;
        // What was staged whole needs no copy.
        const least = way.prefetch === "off" ? most : stepCount * wanted;
        // Uploads submit what comes before them, and their own writes.
        if (isPinned) assert(least <= submits && submits <= most, `${submits}`);
        else assert(submits > stepCount * wanted, `${submits}`);
        // One read for the routing of each such layer, and for the logits.
        assertEquals(watch.count("mapAsync"), stepCount * wanted);
        watch.reset();
      };
      await prefill(model);
      // The first of the two chunks has no logits to read.
      watch.reset();
      const missCount = await decode(model, 10);
      assert(missCount > 0 || perLayer === 1, "nothing missed");
      check(
        isDecided
          ? { wanted: 1, stepCount: 10, missCount: 0 }
          : { wanted: perLayer, stepCount: 10, missCount },
      );
      await model.forward(PROMPT.slice(0, way.chunkSize), 0);
      check({ wanted: perLayer, stepCount: 1, missCount: 0 });
    });
  });
}
