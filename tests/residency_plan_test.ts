/** Who decides which experts come and go, from load options to the model. */

import { assertEquals } from "@std/assert";
import { BenchModels } from "../src/engine/bench_models.ts";
import type { LoadOptions } from "../src/engine/load_options.ts";
import { syntheticSource } from "../src/engine/load_synthetic.ts";
import { settle } from "./_gpu.ts";
import { limitPools } from "./_offload_pool_limit.ts";

/** Who decides in a model; `null` if there is nothing to decide. */
async function decider(models: BenchModels, options: LoadOptions) {
  using model = await models.load(options);
  return model.offload && model.offload.residency;
}

Deno.test("load() has the GPU decide where it can, or whoever is asked for", async () => {
  using models = await BenchModels.open(syntheticSource("tiny"));
  const cases: [LoadOptions, "gpu" | "cpu" | null][] = [
    [{ slots: 3 }, "gpu"],
    [{ slots: 3, store: "pinned", residency: "gpu" }, "gpu"],
    [{ slots: 3, residency: "cpu" }, "cpu"],
    [{ slots: 3, store: "array-buffer" }, "cpu"],
    [{ slots: 8, residency: "gpu" }, null],
  ];
  for (const [options, who] of cases) {
    assertEquals(await decider(models, options), who, JSON.stringify(options));
  }
  await settle();
});

Deno.test("load() has the host decide if the system pins less than planned", async () => {
  using models = await BenchModels.open(syntheticSource("tiny"));
  {
    using _ = limitPools(100_000);
    assertEquals(await decider(models, { slots: 3 }), "cpu");
  }
  // The store is the same one, whatever the system would grant now.
  assertEquals(await decider(models, { slots: 4 }), "cpu");
  await settle();
});
