import { assertEquals, assertThrows } from "@std/assert";
import { formatByteLength, parseByteLength } from "./byte_length.ts";

Deno.test("parseByteLength() reads amounts of memory", () => {
  const cases: [string, number][] = [
    ["12GiB", 12 * 2 ** 30],
    ["12G", 12 * 2 ** 30],
    ["12g", 12 * 2 ** 30],
    ["12GB", 12e9],
    ["800M", 800 * 2 ** 20],
    ["1.5 GiB", 1.5 * 2 ** 30],
    [" 64k ", 65536],
    ["1KB", 1000],
    ["2T", 2 ** 41],
    ["1048576", 1048576],
    ["7B", 7],
    ["0.3333KiB", 341],
  ];
  for (const [text, byteLength] of cases) {
    assertEquals(parseByteLength(text), byteLength, text);
  }
});

Deno.test("parseByteLength() refuses everything else", () => {
  const texts = ["", "GiB", "-1G", "1e9", "12 apples", "0", "0.1", "1,5G"];
  for (const text of [...texts, "999999999T", "12GiBs", "1.G", "Infinity"]) {
    assertThrows(
      () => parseByteLength(text),
      SyntaxError,
      `Cannot read an amount of memory: received "${text}", wanted one like 12GiB, 12G, 800M or 12GB`,
    );
  }
});

Deno.test("formatByteLength() writes amounts of memory", () => {
  const cases: [number, string][] = [
    [17, "17 bytes"],
    [1024, "1.0 KiB"],
    [66404364, "63.3 MiB"],
    [2 ** 30 - 1, "1.0 GiB"],
    [12 * 2 ** 30, "12.0 GiB"],
    [2 ** 50, "1024.0 TiB"],
  ];
  for (const [byteLength, text] of cases) {
    assertEquals(formatByteLength(byteLength), text);
  }
});
