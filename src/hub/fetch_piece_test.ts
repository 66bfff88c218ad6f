import { assertEquals, assertThrows } from "@std/assert";
import { bodyStart } from "./fetch_piece.ts";
import { TransientError } from "./transient_error.ts";

function start(status: number, headers: Record<string, string> = {}): number {
  return bodyStart(new Response(null, { status, headers }), {
    at: 5,
    byteLength: 20,
  });
}

Deno.test("bodyStart() says where an answer begins in the file", () => {
  assertEquals(start(206, { "content-range": "bytes 5-9/20" }), 5);
  assertEquals(start(206, { "content-range": "bytes 5-19/*" }), 5);
  assertEquals(start(200), 0);
  assertEquals(start(200, { "content-length": "20" }), 0);
});

Deno.test("bodyStart() refuses answers to another question", () => {
  const cases: [number, Record<string, string>, string][] = [
    [206, {}, "sent 206 with no range, wanted bytes from 5 of 20"],
    [206, { "content-range": "bytes 4-9/20" }, "with bytes 4-9/20, wanted"],
    [206, { "content-range": "bytes 5-9/21" }, "with bytes 5-9/21, wanted"],
    [206, { "content-range": "lines 5-9/20" }, "with lines 5-9/20, wanted"],
    [200, { "content-length": "21" }, "a file of 21 bytes, wanted 20"],
    [200, { "content-encoding": "gzip" }, "sent gzip, wanted plain bytes"],
    [204, {}, "sent 204 with no range"],
  ];
  for (const [status, headers, says] of cases) {
    assertThrows(() => start(status, headers), TransientError, says);
  }
});
