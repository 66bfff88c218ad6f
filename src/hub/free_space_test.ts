import { assert, assertEquals } from "@std/assert";
import { freeByteLength } from "./free_space.ts";

Deno.test("freeByteLength() asks the disk of a path that is not there yet", async () => {
  const path = await Deno.makeTempDir({ prefix: "moeno-test-" });
  try {
    const free = await freeByteLength(`${path}/a/b`);
    assert(free !== null && free > 0);
    await Deno.writeTextFile(`${path}/file`, "");
    assertEquals(await freeByteLength(`${path}/file/a`), null);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
});
