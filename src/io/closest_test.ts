import { assertEquals } from "@std/assert";
import { closest } from "./closest.ts";

Deno.test("closest() finds the name that was meant, if one is close", () => {
  const names = ["pull", "plan", "perplexity"];
  assertEquals(closest("pul", names), "pull");
  assertEquals(closest("plann", names), "plan");
  assertEquals(closest("preplexiti", names), "perplexity");
  assertEquals(closest("serve", names), undefined);
  assertEquals(closest("x", []), undefined);
});
