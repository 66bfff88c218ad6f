import { assertEquals, assertRejects } from "@std/assert";
import { ChatHistory } from "./chat_history.ts";
import { Conversations } from "./conversations.ts";
import { Sequence } from "./sequence.ts";

const WIDTH = 1;
const A = Array.from({ length: 20 }, (_, i) => 100 + i);
const B = Array.from({ length: 24 }, (_, i) => 200 + i);
/** Bytes that a token takes: its id, its key and its value. */
const TOKEN_BYTE_LENGTH = 12;

/** A model whose keys and values are ids, and what goes wrong with them. */
function setUp(promptCacheBytes = 4096) {
  const cells = { k: new Uint32Array(64), v: new Uint32Array(64) };
  const calls = { reads: 0, writes: 0 };
  const fault: { read?: boolean; write?: boolean } = {};
  const sequence = new Sequence({
    contextLength: 64,
    forward(ids, position) {
      cells.k.set(ids, position);
      cells.v.set(ids.map((id) => -id), position);
      return Promise.resolve(new Float32Array(1));
    },
  }, {
    decoder: () => ({ push: String, flush: () => "" }),
    tokenText: String,
  });
  const conversations = new Conversations({
    sequence,
    history: new ChatHistory({
      encode: () => [],
      startsWithSpecialToken: () => false,
    }),
    keys: {
      layerCount: 1,
      width: WIDTH,
      reader: (count) =>
        Promise.resolve({
          read(_, part) {
            calls.reads++;
            if (fault.read && part === "v") throw new Error("lost");
            const bytes = cells[part].slice(0, count).buffer;
            return Promise.resolve(new Uint8Array(bytes));
          },
          [Symbol.dispose]: () => {},
        }),
      write(_, part, bytes) {
        calls.writes++;
        if (fault.write && part === "v") throw new Error("lost");
        new Uint8Array(cells[part].buffer).set(bytes);
      },
      checked: (run) => run(),
    },
    promptCacheBytes,
  });
  /** Runs a prompt; says how many of its ids did not run. */
  const run = async (ids: readonly number[]) => {
    await conversations.prepare(ids);
    const reused = sequence.reusable(ids);
    await sequence.run(ids.slice(reused), reused);
    assertEquals([...cells.k.subarray(0, ids.length)], ids);
    assertEquals(
      [...new Int32Array(cells.v.buffer, 0, ids.length)],
      ids.map((id) => -id),
    );
    return reused;
  };
  return { conversations, run, calls, fault };
}

Deno.test("Conversations go on from where they were", async () => {
  const { conversations, run } = setUp();
  assertEquals(await run(A), 0);
  assertEquals(await run(B), 0);
  assertEquals(await run([...A, 1]), 20);
  assertEquals(await run([...B, 2]), 24);
  assertEquals(await run([...A, 1, 3]), 21);
  const { totalMs: _, ...stats } = conversations.promptCache!;
  assertEquals(stats, {
    byteLength: (21 + 25) * TOKEN_BYTE_LENGTH,
    byteLimit: 4096,
    count: 2,
    hits: 3,
    savedTokens: 20 + 24 + 21,
    keeps: 4,
    evictions: 0,
    failures: 0,
  });
});

Deno.test("Conversations move nothing that is where it is wanted", async () => {
  const { run, calls } = setUp();
  await run(A);
  await run([...A, 1, 2]);
  assertEquals(calls, { reads: 0, writes: 0 });
  await run(B);
  assertEquals(calls, { reads: 2, writes: 0 });
  await run([...A, 1, 2]); // as it was kept
  await run(B);
  assertEquals(calls, { reads: 4, writes: 4 });
});

Deno.test("Conversations run whole after a read or a write has failed", async () => {
  const { conversations, run, fault } = setUp();
  await run(A);
  fault.read = true;
  assertEquals(await run(B), 0); // and A is not kept
  assertEquals(conversations.promptCache!.count, 0);
  fault.read = false;
  assertEquals(await run(A), 0);
  fault.write = true;
  // Half of B is written: none of it counts, nor does anything of A.
  assertEquals(await run([...B, 1]), 0);
  assertEquals(conversations.promptCache!.failures, 2);
  fault.write = false;
  assertEquals(await run([...A, 1]), 20);
});

Deno.test("Conversations keep what a prompt is brought back for until it is there", async () => {
  const { conversations, run } = setUp(30 * TOKEN_BYTE_LENGTH); // one of them
  await run(A);
  await run(B);
  assertEquals(await run([...A, 1]), 20); // makes room for B
  assertEquals(await run([...B, 1]), 24);
  assertEquals(conversations.promptCache!.evictions, 2);
  assertEquals(conversations.promptCache!.count, 1);
});

Deno.test("Conversations of an engine without a prompt cache leave no trace", async () => {
  const { conversations, run, calls } = setUp(0);
  await run(A);
  assertEquals(await run(B), 0);
  assertEquals(await run(A), 0);
  assertEquals(calls, { reads: 0, writes: 0 });
  assertEquals(conversations.promptCache, null);
});

Deno.test("Conversations.prepare() disturbs no generation that runs", async () => {
  const { conversations, run } = setUp();
  await run(A);
  {
    using _hold = conversations.sequence.hold();
    await assertRejects(() => conversations.prepare(B), Error, "another gener");
  }
  assertEquals(await run([...A, 1]), 20);
});
