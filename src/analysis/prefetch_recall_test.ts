import { assertAlmostEquals, assertEquals } from "@std/assert";
import { NO_EXPERT, type RoutingTrace } from "../offload/routing_trace.ts";
import { syntheticTrace } from "../offload/synthetic_trace.ts";
import { storiesTrace, traceOf } from "./_testdata.ts";
import { prefetchRecall } from "./prefetch_recall.ts";

/** Three layers of two tokens, guessed one and two layers before. */
function farTrace(): RoutingTrace {
  const no = NO_EXPERT;
  return {
    ...traceOf([[0, 1], [2, 3]]),
    layerCount: 3,
    guessCount: 2,
    farDepths: [2],
    // deno-fmt-ignore
    experts: Uint16Array.of(
      0, 1,  1, 2,  2, 3,
      3, 0,  0, 2,  1, 3,
    ),
    // deno-fmt-ignore
    guesses: Uint16Array.of(
      no, no,  1, 0,  3, 2, // 1 of 2, then both
      no, no,  1, 3,  3, 1, // none, then both
    ),
    // deno-fmt-ignore
    farGuesses: Uint16Array.of(
      no, no,  no, no,  0, 1, // none
      no, no,  no, no,  2, 3, // the second
    ),
  };
}

Deno.test("prefetchRecall() counts by hand, depth by depth", () => {
  assertEquals(prefetchRecall(farTrace()), [
    {
      depth: 1,
      recalls: [3 / 8, 5 / 8],
      layers: [
        null,
        [1 / 4, 1 / 4],
        [1 / 2, 1],
      ],
    },
    { depth: 2, recalls: [0, 1 / 4], layers: [null, null, [0, 1 / 4]] },
  ]);
});

Deno.test("prefetchRecall() says nothing where nobody guessed", () => {
  assertEquals(prefetchRecall(traceOf([[0, 1], [2, 3]])), []);
});

Deno.test("prefetchRecall() finds the recall of a made-up trace", () => {
  const shape = { seed: 5, tokenCount: 4000, layerCount: 3 };
  const trace = syntheticTrace({ ...shape, guessRecall: 0.7 });
  const [{ recalls } = { recalls: [] }] = prefetchRecall(trace);
  assertAlmostEquals(recalls[2]!, 0.7, 0.02);
});

Deno.test("one guess holds no more than 1 / top-k", async () => {
  const [{ recalls } = { recalls: [] }] = prefetchRecall(await storiesTrace());
  assertEquals(recalls.map((recall) => recall.toFixed(3)), [
    "0.469",
    "0.807",
    "0.901",
  ]);
});
