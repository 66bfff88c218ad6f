import { assertEquals, assertRejects } from "@std/assert";
import { runAhead } from "./run_ahead.ts";

/** Tasks that say when they start, and end when they are told to. */
function tasks(count: number) {
  const started: number[] = [];
  const ends = Array.from({ length: count }, () => Promise.withResolvers());
  return {
    started,
    ends,
    list: ends.map(({ promise }, i) => async () => {
      started.push(i);
      await promise;
      return i;
    }),
  };
}

Deno.test("runAhead() gives results in order, and starts no more than it may", async () => {
  const { started, ends, list } = tasks(5);
  const fetchNext = runAhead(list, 2);
  assertEquals(started, []);
  const first = fetchNext();
  assertEquals(started, [0, 1]);
  ends[1]!.resolve(null);
  await ends[1]!.promise;
  assertEquals(started, [0, 1]); // 1 is over, but not fetched
  ends[0]!.resolve(null);
  assertEquals(await first, 0);
  assertEquals(started, [0, 1, 2]);
  for (const end of ends) end.resolve(null);
  for (const i of [1, 2, 3, 4]) assertEquals(await fetchNext(), i);
  await assertRejects(fetchNext, RangeError, "all 5 were fetched");
});

Deno.test("runAhead() tells of a failure only when its turn comes", async () => {
  const fetchNext = runAhead([
    () => Promise.resolve("a"),
    () => Promise.reject(new Error("Cannot do b")),
    () => Promise.resolve("c"),
  ], 3);
  assertEquals(await fetchNext(), "a");
  await new Promise((resolve) => setTimeout(resolve, 5));
  await assertRejects(fetchNext, Error, "Cannot do b");
  await assertRejects(fetchNext, Error, "Cannot do b");
});
