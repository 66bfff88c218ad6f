import { assertEquals } from "@std/assert";
import { harmlessLine, harmlessText, oneLine } from "./harmless.ts";

/** Writes to the clipboard of who looks on, and changes the colour. */
const EVIL = "a\x1b]52;c;cm0gLXJm\x07b\x9b31mc";

const HARMLESS = "a\uFFFD]52;c;cm0gLXJm\uFFFDb\uFFFD31mc";

/** Two languages that are written from right to left, among others. */
const LANGUAGES = "Grüße, 日本 👨‍👩‍👧 \u200d שלום\u200e مرحبا";

Deno.test("harmlessText() takes what tells a terminal to do something", () => {
  assertEquals(harmlessText(EVIL), HARMLESS);
  assertEquals(
    harmlessText("one\r\n\ttwo\rthree\b\0"),
    "one\n\ttwothree\uFFFD\uFFFD",
  );
  const text = `${LANGUAGES}\u2067\n`;
  assertEquals(harmlessText(text), text);
});

Deno.test("harmlessLine() is a line that reads as it is written", () => {
  assertEquals(harmlessLine(EVIL), HARMLESS);
  assertEquals(harmlessLine("a\nb\r\nc\rd\te"), "a b c d e");
  assertEquals(
    harmlessLine("a\u2028b\u2029c\u202ed"),
    "a\uFFFDb\uFFFDc\uFFFDd",
  );
  assertEquals(harmlessLine("\ud800"), "\uFFFD");
  assertEquals(harmlessLine(LANGUAGES), LANGUAGES);
});

Deno.test("oneLine() keeps the start and the end of what is long", () => {
  const line = oneLine(`a${"\0".repeat(5000)}b`);
  assertEquals(line.length, 901);
  assertEquals([line[0], line.at(-1)], ["a", "b"]);
  assertEquals(oneLine("🙂".repeat(5000)).isWellFormed(), true);
});
