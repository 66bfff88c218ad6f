import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { jsonReason, showJson } from "./show_json.ts";

Deno.test("showJson() is short, whatever it shows", () => {
  assertEquals(showJson({ a: [1, null] }), '{"a":[1,null]}');
  assertEquals(showJson(1e999), "Infinity");
  assertEquals(showJson(undefined), "missing");
  assertEquals(showJson("x".repeat(1e6)), `"${"x".repeat(80)}…"`);
  assertEquals(showJson("\x1b[2J\n"), '"\\u001b[2J\\n"');
  assertEquals(showJson("🙂".repeat(99)).isWellFormed(), true);
});

Deno.test("showJson() is short of what is nested deeply, too", () => {
  const depth = 100_000;
  const deep = JSON.parse('{"a":'.repeat(depth) + "1" + "}".repeat(depth));
  // Whether JSON.stringify() goes so deep depends on the stack that is left.
  assertMatch(showJson(deep), /^(a deep object|\{"a":.{0,80})$/);
  assertEquals(showJson(5n), "a bigint");
});

Deno.test("jsonReason() is one line", () => {
  const text = '{"a":\n\x1b[2J}';
  const error = assertThrows(() => JSON.parse(text), SyntaxError);
  assertMatch(jsonReason(error), /^\P{Cc}+ is not valid JSON/u);
});
