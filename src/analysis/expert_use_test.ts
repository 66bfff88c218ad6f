import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { withRandom } from "../../tests/_random.ts";
import { replay } from "../offload/replay.ts";
import { syntheticTrace } from "../offload/synthetic_trace.ts";
import { traceOf } from "./_testdata.ts";
import { expertUse } from "./expert_use.ts";

Deno.test("expertUse() counts by hand", () => {
  const trace = traceOf([[0, 1], [1, 2], [2, 1], [3, 0]]);
  const { tokenCount, layers, repeatRate } = expertUse(trace);
  assertEquals(tokenCount, 4);
  assertEquals(layers[0]!.counts, [2, 3, 2, 1]);
  assertEquals(layers[0]!.shares, [0.25, 0.375, 0.25, 0.125]);
  // 1, then 1 and 2, then none.
  assertAlmostEquals(repeatRate, 3 / 6);
  const squares = 0.25 ** 2 + 0.375 ** 2 + 0.25 ** 2 + 0.125 ** 2;
  assertAlmostEquals(layers[0]!.chanceRepeatRate, 2 * squares);
});

Deno.test("expertUse() counts tokens of prompts if asked to", () => {
  const trace = traceOf([[0, 1], [1, 2], [2, 3]], { prefill: 2 });
  assertEquals(expertUse(trace).layers[0]!.counts, [0, 0, 1, 1]);
  // The last token of the prompt is the token before the first decoded one.
  assertEquals(expertUse(trace).repeatRate, 0.5);
  const all = expertUse(trace, { includePrefill: true });
  assertEquals(all.layers[0]!.counts, [1, 2, 2, 1]);
});

Deno.test("expertUse() says how many experts a layer really uses", () => {
  const even = traceOf([[0, 1], [2, 3]]);
  assertAlmostEquals(expertUse(even).effectiveExperts, 4);
  const two = traceOf([[0, 1], [1, 0]]);
  assertAlmostEquals(expertUse(two).effectiveExperts, 2);
  assertEquals(expertUse(two).repeatRate, 1);
});

Deno.test("the repeat rate is the hit rate of top-k slots", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    await withRandom(seed, (random) => {
      const shape = { seed, tokenCount: 400, layerCount: 3, topK: 2 };
      const trace = syntheticTrace({ ...shape, locality: random.next() });
      const { hits } = replay(trace, { slots: 2 });
      // A cache is empty before the first token.
      const { repeatRate } = expertUse(trace);
      assertAlmostEquals(repeatRate, hits / (3 * 2 * 399));
    });
  }
});

Deno.test("without locality experts repeat as chance has it", () => {
  const trace = syntheticTrace({
    ...{ seed: 3, tokenCount: 4000, layerCount: 2 },
    locality: 0,
  });
  const { repeatRate, chanceRepeatRate } = expertUse(trace);
  assert(Math.abs(repeatRate - chanceRepeatRate) < 0.02, `${repeatRate}`);
  assertAlmostEquals(chanceRepeatRate, 0.25, 0.002);
});
