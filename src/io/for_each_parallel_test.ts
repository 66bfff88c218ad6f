import { assert, assertEquals, assertRejects } from "@std/assert";
import { forEachParallel } from "./for_each_parallel.ts";

/** Lets tests end tasks by hand. */
function makeTasks() {
  const begun: number[] = [];
  const inFlight = new Map<number, PromiseWithResolvers<void>>();
  return {
    begun,
    inFlight,
    run(item: number): Promise<void> {
      const task = Promise.withResolvers<void>();
      begun.push(item);
      inFlight.set(item, task);
      return task.promise.finally(() => inFlight.delete(item));
    },
    async end(item: number): Promise<void> {
      inFlight.get(item)!.resolve();
      await turn();
    },
    async fail(item: number, error: Error): Promise<void> {
      inFlight.get(item)!.reject(error);
      await turn();
    },
  };
}

/** Lets all promises that can settle do so. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("forEachParallel() works on as many items as the limit says", async () => {
  const tasks = makeTasks();
  const all = forEachParallel([0, 1, 2, 3, 4], { limit: 2, run: tasks.run });
  await turn();
  assertEquals(tasks.begun, [0, 1]);
  await tasks.end(1);
  assertEquals(tasks.begun, [0, 1, 2]);
  await tasks.end(0);
  await tasks.end(2);
  assertEquals(tasks.begun, [0, 1, 2, 3, 4]);
  assertEquals([...tasks.inFlight.keys()], [3, 4]);
  await tasks.end(4);
  await tasks.end(3);
  await all;
});

Deno.test("forEachParallel() keeps to its bytes, and lets a larger item in alone", async () => {
  const tasks = makeTasks();
  const all = forEachParallel([30, 60, 20, 500, 10], {
    limit: 9,
    byteLimit: 100,
    byteLengthOf: (item) => item,
    run: tasks.run,
  });
  await turn();
  assertEquals(tasks.begun, [30, 60]);
  await tasks.end(30);
  assertEquals(tasks.begun, [30, 60, 20]);
  await tasks.end(60);
  assertEquals(tasks.begun.length, 3, "500 is not to run beside 20");
  await tasks.end(20);
  assertEquals(tasks.begun, [30, 60, 20, 500]);
  await tasks.end(500);
  await tasks.end(10);
  await all;
});

Deno.test("forEachParallel() never exceeds its limits, whatever ends when", async () => {
  for (const limit of [1, 3, 8]) {
    const items = Array.from({ length: 60 }, (_, i) => 1 + (i * 7) % 23);
    let count = 0;
    let byteLength = 0;
    let mostCount = 0;
    const done: number[] = [];
    await forEachParallel(items.entries(), {
      limit,
      byteLimit: 40,
      byteLengthOf: ([, size]) => size,
      run: async ([i, size]) => {
        mostCount = Math.max(mostCount, ++count);
        byteLength += size;
        assert(count <= limit && byteLength <= 40);
        for (let turns = (i * 5) % 4; turns >= 0; turns--) await turn();
        count--;
        byteLength -= size;
        done.push(i);
      },
    });
    assertEquals(mostCount, Math.min(limit, mostCount));
    assert(mostCount === limit || limit === 8);
    assertEquals(done.toSorted((a, b) => a - b), [...items.keys()]);
  }
});

Deno.test("forEachParallel() stops at the first failure, after what is in flight", async () => {
  const tasks = makeTasks();
  const first = new Error("first");
  let isSettled = false;
  const all = forEachParallel([0, 1, 2, 3, 4], { limit: 3, run: tasks.run });
  const rejected = assertRejects(() => all).finally(() => isSettled = true);
  await turn();
  await tasks.fail(1, first);
  assertEquals(tasks.begun, [0, 1, 2]);
  assertEquals(isSettled, false);
  await tasks.fail(2, new Error("second"));
  assertEquals(isSettled, false);
  await tasks.end(0);
  assert(await rejected === first);
  assertEquals(tasks.begun, [0, 1, 2]);
});

Deno.test("forEachParallel() asks for an item only when there is room", async () => {
  const tasks = makeTasks();
  let asked = 0;
  function* items() {
    while (asked < 3) yield asked++;
  }
  const all = forEachParallel(items(), { limit: 1, run: tasks.run });
  await turn();
  assertEquals(asked, 1);
  await tasks.end(0);
  assertEquals(asked, 2);
  await tasks.end(1);
  await tasks.end(2);
  await all;
});

Deno.test("forEachParallel() lets out what a task throws at once", async () => {
  await assertRejects(
    () =>
      forEachParallel([1, 2], {
        limit: 2,
        run: () => {
          throw new RangeError("at once");
        },
      }),
    RangeError,
    "at once",
  );
  await forEachParallel([], { limit: 1, run: () => Promise.reject() });
});
