import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { readJson } from "./json_file.ts";

Deno.test("readJson() reads JSON, or says what is wrong", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const path = join(directory, "config.json");
    const missing = `Cannot read ${path}: there is no such file`;
    await assertRejects(() => readJson(path), Error, missing);
    await assertRejects(() => readJson(directory), Error, "Cannot read ");
    await Deno.writeTextFile(path, '\ufeff{"a": 1}');
    assertEquals(await readJson(path), { a: 1 });
    await Deno.writeTextFile(path, '{"a": ');
    const broken = `Cannot read ${path}: it has 6 characters that are not JSON`;
    await assertRejects(() => readJson(path), SyntaxError, broken);
    // The engine quotes what it does not understand.
    await Deno.writeTextFile(path, '{"a":\n\x1b[2J}');
    const error = await assertRejects(() => readJson(path), SyntaxError);
    assertMatch(error.message, /^Cannot read \P{Cc}+, wanted JSON$/u);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
