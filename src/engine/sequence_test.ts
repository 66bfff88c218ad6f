import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Sequence, type TokenModel, type Vocabulary } from "./sequence.ts";

const VOCABULARY: Vocabulary = {
  decoder: () => ({ push: String, flush: () => "" }),
  tokenText: String,
};

function model(forward?: TokenModel["forward"]): TokenModel {
  return {
    contextLength: 8,
    forward: forward ?? (() => Promise.resolve(new Float32Array(1))),
  };
}

Deno.test("Sequence knows what the cache holds", async () => {
  const sequence = new Sequence(model(), VOCABULARY);
  await sequence.run([1, 2, 3], 0);
  await sequence.run([4], 3);
  assertEquals(sequence.ids, [1, 2, 3, 4]);
  await sequence.run([9], 2); // overwrites 3, and 4 is of no use any more
  assertEquals(sequence.ids, [1, 2, 9]);
  sequence.truncate(2);
  assertEquals(sequence.ids, [1, 2]);
  sequence.clear();
  assertEquals(sequence.ids, []);
});

Deno.test("Sequence reuses the common beginning, but never all", async () => {
  const sequence = new Sequence(model(), VOCABULARY);
  assertEquals(sequence.reusable([1]), 0);
  await sequence.run([1, 2, 3], 0);
  assertEquals(sequence.reusable([1, 2, 3]), 2);
  assertEquals(sequence.reusable([1, 2, 3, 4]), 3);
  assertEquals(sequence.reusable([1, 5, 3, 4]), 1);
  assertEquals(sequence.reusable([1]), 0);
});

Deno.test("Sequence counts the cache as empty after a failure", async () => {
  let isBroken = false;
  const sequence = new Sequence(
    model(() =>
      isBroken
        ? Promise.reject(new Error("lost"))
        : Promise.resolve(new Float32Array(1))
    ),
    VOCABULARY,
  );
  await sequence.run([1, 2], 0);
  isBroken = true;
  await assertRejects(() => sequence.run([3], 2), Error, "lost");
  assertEquals(sequence.ids, []);
});

Deno.test("Sequence has one holder at a time", () => {
  const sequence = new Sequence(model(), VOCABULARY);
  {
    using _hold = sequence.hold();
    assertThrows(() => sequence.hold(), Error, "another generation is running");
  }
  sequence.hold();
});
