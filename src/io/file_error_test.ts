import { assertEquals, assertRejects } from "@std/assert";
import { fileError } from "./file_error.ts";

Deno.test("fileError() says what is wrong with a name that no file has", async () => {
  const error = await assertRejects(() => Deno.readTextFile("a\0b"), TypeError);
  assertEquals(
    fileError("load a", error).message,
    "Cannot load a: its name has a NUL character, which no file's has",
  );
});
