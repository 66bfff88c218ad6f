import { assertEquals } from "@std/assert";
import { graphemes, textWidth } from "./text_width.ts";

Deno.test("graphemes() keeps together what is one character", () => {
  assertEquals(graphemes("ae\u0301👨‍👩‍👧🇩🇪x"), ["a", "e\u0301", "👨‍👩‍👧", "🇩🇪", "x"]);
});

Deno.test("textWidth() counts columns", () => {
  const widths: [string, number][] = [
    ["", 0],
    ["aä ~", 4],
    ["e\u0301", 1],
    ["日本語", 6],
    ["한", 2],
    ["ｗ", 2],
    ["😀👨‍👩‍👧🇩🇪", 6],
    ["❤\ufe0f", 2],
    ["❤ → ─ █ …", 9],
    ["\u200b", 0],
  ];
  for (const [text, width] of widths) {
    assertEquals([text, textWidth(text)], [text, width]);
  }
});
