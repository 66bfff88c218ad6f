import { assertEquals, assertStringIncludes } from "@std/assert";
import { describeError } from "./describe_error.ts";

Deno.test("describeError() is one line, unless it is to show the stack", () => {
  const error = new Error("Cannot read a\nb", { cause: new Error("why") });
  assertEquals(describeError(error, false), "Cannot read a b");
  assertEquals(describeError("\x1b[2J", false), "\uFFFD[2J");
  assertEquals(describeError(new TypeError(""), false), "TypeError");
  assertStringIncludes(describeError(error, true), "Caused by: Error: why");
});
