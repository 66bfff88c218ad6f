import { assertEquals } from "@std/assert";
import { cutText, graphemes, joinRows, textWidth } from "./text_width.ts";

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

Deno.test("cutText() ends before what does not fit whole", () => {
  assertEquals(cutText("abc", 3), "abc");
  assertEquals(cutText("abc", 2), "ab");
  assertEquals(cutText("a日本", 4), "a日");
  assertEquals(cutText("a", 0), "");
});

Deno.test("joinRows() breaks no part", () => {
  const parts = ["日本", "ab", "c", "too long a name", "d"];
  assertEquals(joinRows(parts, { columns: 9, separator: "  " }), [
    ...["日本  ab", "c", "too long a name", "d"],
  ]);
  assertEquals(joinRows(parts, { columns: 9, separator: "; " }), [
    ...["日本; ab;", "c;", "too long a name;", "d"],
  ]);
  assertEquals(joinRows([], { columns: 9, separator: " " }), []);
});
