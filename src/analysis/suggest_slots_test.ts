import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { evenSlots } from "../offload/even_slots.ts";
import { replay } from "../offload/replay.ts";
import { syntheticTrace } from "../offload/synthetic_trace.ts";
import { storiesTrace, traceOf } from "./_testdata.ts";
import { firstTokens } from "./counted_tokens.ts";
import { suggestSlots } from "./suggest_slots.ts";

Deno.test("suggestSlots() says what replays say of its slots", async () => {
  const trace = await storiesTrace();
  for (const policy of ["lru", "class-lru"] as const) {
    const found = suggestSlots(trace, { slotCount: 23, policy });
    assertEquals(found.evenSlots, [3, 4, 4, 4, 4, 4]);
    // Where every expert has a slot, a replay still misses each once.
    assert(Math.max(...found.slots) < 8);
    const rateOf = (slots: number[]) =>
      replay(trace, { slots, policy }).hitRate;
    assertAlmostEquals(found.hitRate, rateOf(found.slots));
    assertAlmostEquals(found.evenHitRate, rateOf(found.evenSlots));
    assert(found.hitRate > found.evenHitRate);
  }
});

Deno.test("suggestSlots() judges on the half that it has not seen", async () => {
  const trace = await storiesTrace();
  const { heldOut } = suggestSlots(trace, { slotCount: 24 });
  const begin = firstTokens(trace, 256);
  assertEquals(
    heldOut!.slots,
    suggestSlots(begin, { slotCount: 24 }).slots,
  );
  const hits = (slots: number[]) =>
    replay(trace, { slots }).hits - replay(begin, { slots }).hits;
  assertEquals(heldOut!.tokenCount, 256);
  assertAlmostEquals(heldOut!.hitRate, hits(heldOut!.slots) / (256 * 12));
  assertAlmostEquals(heldOut!.evenHitRate, hits(evenSlots(6, 24)) / (256 * 12));
});

Deno.test("suggestSlots() gives slots to the layers that use them", () => {
  const trace = syntheticTrace({
    seed: 2,
    tokenCount: 600,
    layerCount: 2,
    // Layer 0 needs 2 of its experts, layer 1 all of them.
    popularity: [[1, 1, 0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1, 1, 1]],
    locality: 0,
  });
  const found = suggestSlots(trace, { slotCount: 10 });
  assertEquals(found.slots, [2, 8]);
  assertEquals(found.evenSlots, [5, 5]);
  // All but the first uses of layer 0.
  assert(found.hitRate > 0.998, `${found.hitRate}`);
  assert(found.heldOut!.hitRate - found.heldOut!.evenHitRate > 0.1);
});

Deno.test("suggestSlots() uses no more slots than there are experts", () => {
  const found = suggestSlots(traceOf([[0, 1]]), { slotCount: 99 });
  assertEquals([found.slots, found.hitRate, found.heldOut], [[4], 1, null]);
});
