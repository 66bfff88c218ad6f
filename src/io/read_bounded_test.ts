import { assert, assertEquals, assertRejects } from "@std/assert";
import { readBounded } from "./read_bounded.ts";

/** Chunks of four bytes; says how many were taken, and whether it was closed. */
function chunks(count: number) {
  const seen = { count: 0, isClosed: false };
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (seen.count === count) return controller.close();
      controller.enqueue(new Uint8Array(4).fill(seen.count++));
    },
    cancel: () => void (seen.isClosed = true),
  }, { highWaterMark: 0 });
  return { stream, seen };
}

const limit = (maxByteLength: number) => ({
  maxByteLength,
  action: "read a text",
});

Deno.test("readBounded() reads all there is", async () => {
  const bytes = await readBounded(chunks(3).stream, limit(12));
  assertEquals([...bytes], [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
  assertEquals((await readBounded(chunks(0).stream, limit(0))).length, 0);
});

Deno.test("readBounded() lets go of what is too long", async () => {
  const { stream, seen } = chunks(Infinity);
  await assertRejects(
    () => readBounded(stream, limit(4096)),
    Error,
    "Cannot read a text: there is more than 4.0 KiB, wanted less",
  );
  assert(seen.isClosed);
  assertEquals(seen.count, 1025);
});
