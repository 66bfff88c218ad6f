import { assert, assertEquals, assertThrows } from "@std/assert";
import { replay } from "../offload/replay.ts";
import { storiesTrace, traceOf } from "./_testdata.ts";
import { hitRateCurves } from "./hit_rate_curves.ts";

Deno.test("hitRateCurves() gives what replays give, from top-k to all slots", async () => {
  const trace = await storiesTrace();
  const seen: [number, number][] = [];
  const curves = hitRateCurves(trace, {
    policies: ["class-lru", "lru"],
    onProgress: (done, total) => seen.push([done, total]),
  });
  assertEquals(curves.map(({ policy }) => policy), [
    "class-lru",
    "lru",
    "belady",
  ]);
  const { points } = curves[1]!;
  assertEquals(points.map(({ slots }) => slots), [2, 3, 4, 5, 6, 7, 8]);
  const { hitRate, layers } = replay(trace, { slots: 5 });
  assertEquals(points[3]!.hitRate, hitRate);
  assertEquals(
    points[3]!.layers,
    layers.map(({ hits }) => hits / (2 * 512)),
  );
  for (const [i, { hitRate }] of points.entries()) {
    const best = curves[2]!.points[i]!.hitRate;
    assert(best >= hitRate && hitRate > (points[i - 1]?.hitRate ?? 0));
  }
  // In the engine nothing is missing where every expert has a slot.
  assertEquals(points[6], { slots: 8, hitRate: 1, layers: Array(6).fill(1) });
  assertEquals(seen.at(-1), [18, 18]);
});

Deno.test("hitRateCurves() counts tokens of prompts if asked to", () => {
  const trace = traceOf([[0, 1], [0, 1], [1, 2]], { prefill: 2 });
  const rate = (includePrefill: boolean) =>
    hitRateCurves(trace, { policies: ["lru"], includePrefill })[0]!
      .points[0]!.hitRate;
  assertEquals([rate(false), rate(true)], [0.5, 0.5]);
  assertEquals(
    hitRateCurves(trace, { policies: [], includePrefill: true }).length,
    1,
  );
});

Deno.test("an analysis says in a sentence that no token counts", () => {
  const cases = [
    [traceOf([]), "it has no token, wanted some"],
    [
      traceOf([[0, 1], [1, 2]], { prefill: 2 }),
      "all of its 2 tokens are of prompts, wanted decoded ones, or prompts included",
    ],
  ] as const;
  for (const [trace, state] of cases) {
    assertThrows(
      () => hitRateCurves(trace, { policies: ["lru"] }),
      RangeError,
      `Cannot analyse the trace: ${state}`,
    );
  }
});
