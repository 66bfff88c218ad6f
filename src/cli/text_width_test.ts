import { assertEquals } from "@std/assert";
import {
  cutToWidth,
  graphemes,
  joinRows,
  padToWidth,
  textWidth,
} from "./text_width.ts";

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

Deno.test("padToWidth() counts columns, not characters", () => {
  assertEquals(padToWidth("日本", 6), "日本  ");
  assertEquals(padToWidth("日本", 6, "start"), "  日本");
  assertEquals(padToWidth("日本", 3), "日本");
});

Deno.test("cutToWidth() cuts no grapheme, and says what it left out of a start", () => {
  assertEquals(cutToWidth("日本語", 6), "日本語");
  assertEquals(cutToWidth("日本語", 5), "日本");
  assertEquals(cutToWidth("日本語", 5, "start"), "…本語");
  assertEquals(cutToWidth("日本語", 4, "start"), "…語");
  assertEquals(cutToWidth("ae\u0301👨‍👩‍👧z", 4), "ae\u0301👨‍👩‍👧");
  assertEquals(cutToWidth("abc", 0), "");
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
