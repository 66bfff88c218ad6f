import { assertEquals } from "@std/assert";
import { oneLine } from "./one_line.ts";

Deno.test("oneLine() is a line that a terminal does not obey", () => {
  assertEquals(oneLine("Cannot read a\nb\r\nc"), "Cannot read a b c");
  assertEquals(oneLine("\x1b[2J\x9b1m\u202e"), "\\u001b[2J\\u009b1m\\u202e");
  assertEquals(oneLine("é🙂"), "é🙂");
});

Deno.test("oneLine() keeps the start and the end of what is long", () => {
  const line = oneLine(`a${"\0".repeat(5000)}b`);
  assertEquals(line.length, 901);
  assertEquals([line[0], line.at(-1)], ["a", "b"]);
  assertEquals(oneLine("🙂".repeat(5000)).isWellFormed(), true);
});
