import { assert, assertEquals, assertRejects } from "@std/assert";
import { withRandom } from "../../tests/_random.ts";
import { ExpertFill, fillLimit } from "./expert_fill.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A fill whose reads end when the test says so. */
async function makeFill(count: number, limit: number) {
  const begun: number[] = [];
  const kept: number[] = [];
  const reads = new Map<number, PromiseWithResolvers<Bytes>>();
  const fill = new ExpertFill({
    count,
    limit,
    read(index) {
      begun.push(index);
      const read = Promise.withResolvers<Bytes>();
      reads.set(index, read);
      return read.promise.finally(() => reads.delete(index));
    },
    keep(index, bytes) {
      assertEquals([...bytes], [index]);
      kept.push(index);
    },
  });
  const end = async (index: number) => {
    reads.get(index)!.resolve(Uint8Array.of(index));
    await turn();
  };
  const fail = async (index: number, error: Error) => {
    reads.get(index)!.reject(error);
    await turn();
  };
  await turn(); // the first are begun
  return { fill, begun, kept, reads, end, fail };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

const has = (fill: ExpertFill, count: number) =>
  Array.from({ length: count }, (_, i) => fill.has(i));

Deno.test("ExpertFill brings each expert in once, in order", async () => {
  const { fill, begun, kept, end } = await makeFill(4, 2);
  assertEquals(begun, [0, 1]);
  await end(1);
  assertEquals(has(fill, 4), [false, true, false, false]);
  assertEquals(begun, [0, 1, 2]);
  for (const index of [0, 2, 3]) await end(index);
  await fill.finished;
  assertEquals([begun, kept], [[0, 1, 2, 3], [1, 0, 2, 3]]);
  assertEquals(has(fill, 4), [true, true, true, true]);
});

Deno.test("ExpertFill.bring() reads at once what nobody reads yet", async () => {
  const { fill, begun, kept, end } = await makeFill(5, 1);
  const brought = fill.bring(3);
  assertEquals(begun, [0, 3]);
  await end(3);
  await brought;
  assertEquals(fill.has(3), true);
  await fill.bring(3); // is there
  for (const index of [0, 1, 2, 4]) await end(index);
  await fill.finished;
  assertEquals(kept, [3, 0, 1, 2, 4]);
});

Deno.test("ExpertFill.bring() waits for what is on its way", async () => {
  const { fill, begun, end } = await makeFill(2, 2);
  let isThere = false;
  const brought = fill.bring(1).then(() => isThere = true);
  await end(0);
  assertEquals(isThere, false);
  await end(1);
  await brought;
  assertEquals(begun, [0, 1]);
});

Deno.test("ExpertFill is finished when all are there, whoever asked for them", async () => {
  const { fill, begun, end } = await makeFill(2, 1);
  let isFinished = false;
  fill.finished.then(() => isFinished = true);
  const brought = fill.bring(1);
  await end(0);
  assertEquals([begun, isFinished], [[0, 1], false]);
  await end(1);
  await brought;
  assertEquals([begun, isFinished], [[0, 1], true]);
});

Deno.test("ExpertFill reads no expert twice, whoever asks for what when", () =>
  withRandom(4, async (random) => {
    for (const limit of [1, 2, 8]) {
      const reads = Array<number>(40).fill(0);
      let inFlight = 0;
      const fill = new ExpertFill({
        count: 40,
        limit,
        async read(index) {
          reads[index]!++;
          assert(++inFlight <= limit + 1, "one more than the queue's");
          for (let turns = random.integer(4); turns >= 0; turns--) await turn();
          inFlight--;
          return new Uint8Array(1);
        },
        keep: () => {},
      });
      for (const index of random.integers(30, 40)) {
        await fill.bring(index);
        assertEquals(fill.has(index), true);
      }
      await fill.finished;
      assertEquals(reads, Array(40).fill(1));
    }
  }));

Deno.test("ExpertFill throws the first failure for all that are not there", async () => {
  const { fill, begun, kept, end, fail } = await makeFill(6, 3);
  await end(1);
  const error = new Error("cut short");
  await fail(2, error);
  await end(0); // was in flight: nobody wants it any more
  await end(3);
  assert(await assertRejects(() => fill.finished) === error);
  assertEquals([begun, kept], [[0, 1, 2, 3], [1]]);
  for (const index of [0, 2, 3, 4, 5]) {
    assertEquals(fill.has(index), false);
    assert(await assertRejects(() => fill.bring(index)) === error);
  }
  await fill.bring(1);
  assertEquals(begun.length, 4);
});

Deno.test("ExpertFill throws a failed read of one that was asked for", async () => {
  const { fill, end, fail } = await makeFill(6, 1);
  const error = new Error("cut short");
  const rejected = assertRejects(() => fill.bring(4));
  await fail(4, error);
  assert(await rejected === error);
  await end(0);
  assert(await assertRejects(() => fill.finished) === error);
});

Deno.test("ExpertFill stops when it is disposed of, and keeps nothing after that", async () => {
  const { fill, begun, kept, end, reads } = await makeFill(6, 2);
  await end(0);
  const waiting = assertRejects(() => fill.bring(1), Error, "is disposed of");
  fill[Symbol.dispose]();
  await end(1);
  await end(2);
  await waiting;
  await assertRejects(() => fill.finished, Error, "is disposed of");
  await assertRejects(() => fill.bring(5), Error, "is disposed of");
  assertEquals([begun, kept, reads.size], [[0, 1, 2], [0], 0]);
});

Deno.test("ExpertFill of nothing is finished at once", async () => {
  const { fill, begun } = await makeFill(0, 3);
  await fill.finished;
  assertEquals(begun, []);
});

Deno.test("fillLimit() keeps memory small, and is at least 1", () => {
  assertEquals(fillLimit(66.75 * 2 ** 20), 3); // Mixtral-8x7B, 2 bits
  assertEquals(fillLimit(2 ** 30), 1);
  assertEquals(fillLimit(64), 8);
});
