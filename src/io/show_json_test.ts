import { assertEquals } from "@std/assert";
import { showJson } from "./show_json.ts";

Deno.test("showJson() is short, whatever it shows", () => {
  assertEquals(showJson({ a: [1, null] }), '{"a":[1,null]}');
  assertEquals(showJson(1e999), "Infinity");
  assertEquals(showJson(undefined), "missing");
  assertEquals(showJson("x".repeat(1e6)), `"${"x".repeat(79)}…`);
  assertEquals(showJson("\x1b[2J\n"), '"\\u001b[2J\\n"');
  assertEquals(showJson("🙂".repeat(99)).isWellFormed(), true);
});

Deno.test("showJson() shows what is nested too deeply for JSON.stringify()", () => {
  const depth = 100_000;
  const list = JSON.parse("[".repeat(depth) + "]".repeat(depth));
  assertEquals(showJson(list), "a deep list");
  assertEquals(showJson({ list }), "a deep object");
});
