import { assertEquals } from "@std/assert";
import { counted } from "./counted.ts";

Deno.test("counted() has one of a thing in the singular, and none in the plural", () => {
  assertEquals(
    [0, 1, 2].map((count) => counted(count, "token")),
    ["0 tokens", "1 token", "2 tokens"],
  );
  assertEquals(counted(1, "directory", "directories"), "1 directory");
  assertEquals(counted(3, "directory", "directories"), "3 directories");
});
