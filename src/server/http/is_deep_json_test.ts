import { assertEquals } from "@std/assert";
import { isDeepJson } from "./is_deep_json.ts";

Deno.test("isDeepJson() counts brackets that are open at the same time", () => {
  for (
    const [text, depth] of [
      ["1", 0],
      ["[]", 1],
      ['[[],{"a":[]}]', 3],
      ["[[]][[]]", 2], // no JSON, but no reason to fail
      ['["[[[[", "\\"[[[", "\\\\"]', 1],
      ['{"[{": "]"}', 1],
    ] as const
  ) {
    assertEquals(isDeepJson(text, depth), false, text);
    assertEquals(depth > 0 && isDeepJson(text, depth - 1), depth > 0, text);
  }
  assertEquals(isDeepJson("[".repeat(1e6), 256), true);
  assertEquals(isDeepJson("[],".repeat(1e6), 256), false);
});
