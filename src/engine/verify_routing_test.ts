import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { firstRoutingDifference, RoutingLog } from "./verify_routing.ts";

const CONFIG = { numHiddenLayers: 2, numExpertsPerTok: 2 };

Deno.test("RoutingLog keeps tokens by layer and position, run by run", () => {
  const log = new RoutingLog(CONFIG);
  const guess = new Uint32Array(0);
  const say = (layer: number, ...ids: number[]) =>
    log.listen(layer, {
      ids: Uint32Array.from(ids),
      weights: Float32Array.from(ids, () => 0.5),
      guess,
    });
  say(0, 3, 1, 2, 0); // two tokens at once
  say(1, 0, 1, 1, 0);
  say(0, 7, 6);
  say(1, 5, 4);
  const ids = log.take().map((layer) => layer.map(({ ids }) => ids));
  assertEquals(ids, [[[3, 1], [2, 0], [7, 6]], [[0, 1], [1, 0], [5, 4]]]);
  assertEquals(log.take(), [[], []]);
});

/** A token's routing by its router's outputs. */
function routed(ids: number[], outputs: number[]) {
  const e = ids.map((id) => Math.exp(outputs[id]!));
  const total = e.reduce((a, b) => a + b);
  return { ids, weights: e.map((x) => x / total) };
}

Deno.test("firstRoutingDifference() finds the first, and how near the two were", () => {
  const a = [1, 0.5, 0.499, -1];
  const b = [1.0001, 0.5, 0.5002, -1];
  const same = routed([0, 1], a);
  const actual = [[same, same], [same, routed([0, 2], b)]];
  const expected = [[same, same], [same, routed([1, 0], a)]];
  assertEquals(firstRoutingDifference(expected, expected), null);
  const found = firstRoutingDifference(actual, expected)!;
  assertEquals([found.layer, found.position], [1, 1]);
  assertEquals([found.actual, found.expected], [2, 1]);
  // (b[2] - b[0]) - (a[1] - a[0])
  assertAlmostEquals(found.gap, 1e-4, 1e-9);
  const order = [[routed([1, 0], a)], [same]];
  assertEquals(firstRoutingDifference(order, [[same], [same]]), null);
});

Deno.test("firstRoutingDifference() knows no gap without an expert of both", () => {
  const outputs = [0, 0, 0, 0];
  const one = [[routed([0, 1], outputs)]];
  const other = [[routed([2, 3], outputs)]];
  assert(firstRoutingDifference(one, other)!.gap === Infinity);
});
