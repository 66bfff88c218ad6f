import { assertEquals } from "@std/assert";
import { cutRanges } from "./byte_ranges.ts";
import { pieceByteLength } from "./fetch_files.ts";

const MIB = 2 ** 20;

Deno.test("pieceByteLength() lets connections share a file, in handy pieces", () => {
  assertEquals(pieceByteLength(10, 8), MIB);
  assertEquals(pieceByteLength(80 * MIB, 8), 10 * MIB);
  assertEquals(pieceByteLength(90_000 * MIB, 8), 64 * MIB);
});

Deno.test("pieceByteLength() bounds the pieces of a file of any claimed length", () => {
  const byteLength = Number.MAX_SAFE_INTEGER;
  const pieces = cutRanges([[0, byteLength]], pieceByteLength(byteLength, 8));
  assertEquals([...pieces].length, 2 ** 14);
});
