import { assertEquals, assertThrows } from "@std/assert";
import { type ByteSink, ioWriters } from "./io.ts";

/** Takes two bytes at a time, or throws what is next. */
function sink(errors: Error[] = []): ByteSink & { text: string } {
  return {
    text: "",
    writeSync(bytes) {
      const error = errors.shift();
      if (error !== undefined) throw error;
      this.text += new TextDecoder().decode(bytes.subarray(0, 2));
      return Math.min(2, bytes.length);
    },
  };
}

const FULL = () =>
  Object.assign(new Error("No space left on device"), { code: "ENOSPC" });

Deno.test("Io.out() writes everything, also where a pipe does not wait", () => {
  const wait = () => new Deno.errors.WouldBlock("Resource unavailable");
  const stdout = sink([wait(), wait()]);
  ioWriters(stdout, sink()).out("12345");
  assertEquals(stdout.text, "12345");
});

Deno.test("Io.out() says what it could not do, unless the reader is gone", () => {
  assertThrows(
    () => ioWriters(sink([FULL()]), sink()).out("1"),
    Error,
    "Cannot write to stdout: No space left on device",
  );
  assertThrows(
    () => ioWriters(sink([new Deno.errors.BrokenPipe()]), sink()).out("1"),
    Deno.errors.BrokenPipe,
  );
});

Deno.test("Io.err() goes on where nobody reads", () => {
  for (const error of [FULL(), new Deno.errors.BrokenPipe()]) {
    ioWriters(sink(), sink([error])).err("1");
  }
});
