import { assertEquals } from "@std/assert";
import { wrap, wrapBeside, wrapParagraphs } from "./wrap.ts";

Deno.test("wrap() breaks between words, and not within them", () => {
  assertEquals(wrap("a bc\nd  efghij k", 4), ["a bc", "d", "efghij", "k"]);
  assertEquals(wrap("", 4), [""]);
  assertEquals(wrap("an 8\nGiB card", 6), ["an", "8 GiB", "card"]);
});

Deno.test("wrap() does not count what colours a word", () => {
  assertEquals(wrap("ab \x1b[2mcd\x1b[22m e", 5), [
    "ab \x1b[2mcd\x1b[22m",
    "e",
  ]);
});

Deno.test("wrapParagraphs() leaves examples and tables as they are", () => {
  assertEquals(
    wrapParagraphs("one two\nthree\n\nSo:\n  deno run --flag\n\nfour", 9),
    "one two\nthree\n\nSo:\n  deno run --flag\n\nfour",
  );
  assertEquals(
    wrapParagraphs("bash  a line of it\nzsh   another", 9),
    "bash  a line of it\nzsh   another",
  );
});

Deno.test("wrapBeside() keeps a text to the right of its label", () => {
  assertEquals(wrapBeside("- ", "one two three", 9), ["- one two", "  three"]);
  assertEquals(
    wrapBeside("\x1b[2mab\x1b[22m  ", "one two", 9),
    ["\x1b[2mab\x1b[22m  one", "    two"],
  );
});
