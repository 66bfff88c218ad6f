import { assertEquals, assertRejects } from "@std/assert";
import { fileError } from "./file_error.ts";

Deno.test("fileError() names the permission that is missing", () => {
  for (
    const [message, wanted] of [
      [
        'Requires read access to "/a b/c", run again with the --allow-read flag',
        "run it with --allow-read=/a b/c",
      ],
      [
        'Requires write access to "/a", run again with the --allow-write flag',
        "run it with --allow-write=/a",
      ],
      ["", "run it with --allow-read and --allow-write"],
    ] as const
  ) {
    const error = new Deno.errors.NotCapable(message);
    assertEquals(
      fileError("read c", error).message,
      `Cannot read c: Deno has no permission, ${wanted}`,
    );
  }
});

Deno.test("fileError() says what is wrong with a name that no file has", async () => {
  const error = await assertRejects(() => Deno.readTextFile("a\0b"), TypeError);
  assertEquals(
    fileError("load a", error).message,
    "Cannot load a: its name has a NUL character, which no file's has",
  );
});
