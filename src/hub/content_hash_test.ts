import { assertEquals } from "@std/assert";
import { checkContent, hashFile } from "./content_hash.ts";

const { signal } = new AbortController();

Deno.test("hashFile() gives what sha256sum and git hash-object give", async () => {
  const path = await Deno.makeTempFile({ prefix: "moeno-test-" });
  try {
    await Deno.writeTextFile(path, "hello\n");
    const sha256 =
      "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
    const gitSha1 = "ce013625030ba8dba906f756967f9e9ca394464a";
    const hash = (algorithm: "sha256" | "git-sha1") =>
      hashFile(path, { algorithm, signal });
    assertEquals(await hash("sha256"), sha256);
    assertEquals(await hash("git-sha1"), gitSha1);

    const file = { path: "x", byteLength: 6, sha256: null, gitSha1: null };
    const isRight = async (hashes: Partial<typeof file> | object) =>
      (await checkContent(path, { ...file, ...hashes }, { signal })).isRight;
    assertEquals(await isRight({}), true);
    assertEquals(await isRight({ sha256 }), true);
    assertEquals(await isRight({ gitSha1 }), true);
    assertEquals(await isRight({ sha256: "0".repeat(64) }), false);
    assertEquals(await isRight({ gitSha1: "0".repeat(40) }), false);
  } finally {
    await Deno.remove(path);
  }
});
