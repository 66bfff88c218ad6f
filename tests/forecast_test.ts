/** The small models that stand in for large ones: what they claim to do. */

import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { probeModel } from "../src/engine/forecast/probe_model.ts";
import {
  measureOffloaded,
  measureResident,
} from "../src/engine/forecast/step_costs.ts";
import { loadModel } from "../src/engine/load_model.ts";
import { syntheticSource } from "../src/engine/load_synthetic.ts";
import { openSource } from "../src/engine/model_source.ts";
import { gpuTest } from "./_gpu.ts";

const STORIES = fromFileUrl(
  new URL("../models/stories-17m-q", import.meta.url),
);
const LAYER_COUNT = 2;
const STEP_COUNT = 6;

gpuTest(
  "probeModel misses as many experts of each layer as its ids say",
  async ({ gpu }) => {
    using source = await openSource(STORIES);
    const { config } = source;
    const reader = source.reader({});
    const probe = probeModel({ config, reader }, LAYER_COUNT);
    assertEquals(probe.config.numHiddenLayers, LAYER_COUNT);
    assertEquals([probe.slots, probe.missLimit], [2, 2]);
    for (const residency of ["gpu", "cpu"] as const) {
      using _scope = gpu.memory.scope();
      const { model } = await loadModel(gpu, {
        config: probe.config,
        reader: probe.reader,
        options: {
          slots: probe.slots,
          residency,
          prefetch: "off",
          contextLength: 32,
          chunkSize: 8,
        },
      });
      using _model = model;
      for (const misses of [0, 1, 2]) {
        const ids = probe.idsOf(misses);
        // The first steps bring in what the ids before them left out.
        for (let i = 0; i < 2; i++) await model.forward([ids[i]!], i);
        const before = missesOf(model.offloadStats!.snapshot());
        for (let i = 0; i < STEP_COUNT; i++) {
          await model.forward([ids[i % 2]!], i);
        }
        const missed = missesOf(model.offloadStats!.snapshot()) - before;
        assertEquals(missed, misses * LAYER_COUNT * STEP_COUNT, residency);
      }
    }
  },
);

function missesOf(
  { layers }: { readonly layers: readonly { readonly misses: number }[] },
): number {
  return layers.reduce((sum, { misses }) => sum + misses, 0);
}

gpuTest(
  "measureResident and measureOffloaded time every way to bring experts in",
  async ({ gpu }) => {
    const { config, reader } = syntheticSource("tiny");
    const model = { config, reader: reader({}) };
    const { fixedMs, layerMs } = await measureResident(gpu, model, {});
    assert(fixedMs >= 0 && layerMs >= 0 && fixedMs + layerMs > 0);
    const ways = [
      { store: "pinned", residency: "gpu" },
      { store: "array-buffer", residency: "cpu" },
    ] as const;
    for (const way of ways) {
      const costs = await measureOffloaded(gpu, model, {
        options: {},
        way,
        fixedMs,
      });
      assertEquals(costs!.layerMs.map(({ misses }) => misses), [0, 1, 2]);
      assert(costs!.linkGigabytesPerSecond > 0);
    }
    // A model whose tokens use all experts never misses one.
    const all = { ...config, numLocalExperts: 2 };
    const source = syntheticSource(all);
    const whole = { config: all, reader: source.reader({}) };
    const options = { options: {}, way: ways[0], fixedMs };
    assertEquals(await measureOffloaded(gpu, whole, options), null);
  },
);
