import { assertEquals, assertRejects } from "@std/assert";
import { toy } from "./_toy_model.ts";
import { type AheadBounds, aheadCount, AheadPicker } from "./ahead_picker.ts";

const PLENTY: AheadBounds = {
  msPerToken: 1,
  wanted: Infinity,
  room: 1000,
  limit: 8,
};

Deno.test("aheadCount() begins with one token", () => {
  assertEquals(aheadCount({ ...PLENTY, msPerToken: null }), 1);
});

Deno.test("aheadCount() picks what comes within 100 ms, at least one", () => {
  const counts = [0, 1, 12.5, 12.6, 20, 34, 50, 50.1, 100, 101, 4000].map(
    (msPerToken) => aheadCount({ ...PLENTY, msPerToken }),
  );
  assertEquals(counts, [8, 8, 8, 7, 5, 2, 2, 1, 1, 1, 1]);
});

Deno.test("aheadCount() never goes beyond what is wanted or has room", () => {
  assertEquals(aheadCount({ ...PLENTY, wanted: 3 }), 3);
  assertEquals(aheadCount({ ...PLENTY, room: 2 }), 2);
  assertEquals(aheadCount({ ...PLENTY, limit: 5 }), 5);
  assertEquals(aheadCount({ ...PLENTY, wanted: 1, room: 1 }), 1);
});

/** A picker over a toy whose runs take `msPerToken`. */
function clockedPicker(
  options: Parameters<typeof toy>[1] & { msPerToken: number },
) {
  const { model, sequence } = toy("abcdefghijklmnop", {
    aheadLimit: 8,
    ...options,
  });
  let time = 0;
  model.onRun = () => void (time += options.msPerToken);
  const picker = new AheadPicker(sequence, model.aheadLimit, () => time);
  return { model, sequence, picker };
}

Deno.test("AheadPicker runs as many as its bounds say, and each once", async () => {
  const { model, sequence, picker } = clockedPicker({ msPerToken: 24 });
  const ids = [32];
  for (let position = 0; position < 10; position++) {
    const wanted = 10 - position;
    ids.push(await picker.next(ids.at(-1)!, { position, wanted }));
    assertEquals(sequence.ids, ids.slice(0, -1)); // as one by one
  }
  assertEquals(String.fromCharCode(...ids.slice(1)), "abcdefghij");
  assertEquals(model.batches, [1, 4, 4, 1]); // 100 ms, then all that is wanted
  assertEquals(model.runs.map(([position]) => position), [
    ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  ]);
});

Deno.test("AheadPicker goes by how long the last tokens took", async () => {
  const { model, picker } = clockedPicker({ msPerToken: 40 });
  let id = 32;
  for (let position = 0; position < 11; position++) {
    if (position === 3) model.onRun = () => {};
    id = await picker.next(id, { position, wanted: 40 });
  }
  assertEquals(model.batches, [1, 2, 2, 8]);
});

Deno.test("AheadPicker hands out what came before broken logits, then throws", async () => {
  const { sequence, picker } = clockedPicker({ msPerToken: 1, brokenAt: 4 });
  let id = 32;
  for (const [position, letter] of [..."abcd"].entries()) {
    id = await picker.next(id, { position, wanted: 40 });
    assertEquals(String.fromCharCode(id), letter);
    assertEquals(sequence.ids.length, position + 1);
  }
  await assertRejects(
    () => picker.next(id, { position: 4, wanted: 40 }),
    RangeError,
    "Cannot pick a token: the logits hold NaN or infinity",
  );
});
