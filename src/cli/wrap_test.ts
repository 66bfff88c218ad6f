import { assertEquals } from "@std/assert";
import { wrap, wrapParagraphs } from "./wrap.ts";

Deno.test("wrap() breaks between words, and not within them", () => {
  assertEquals(wrap("a bc\nd  efghij k", 4), ["a bc", "d", "efghij", "k"]);
  assertEquals(wrap("", 4), [""]);
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
