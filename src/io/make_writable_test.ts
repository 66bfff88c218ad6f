import { assertEquals, assertRejects } from "@std/assert";
import { makeWritable } from "./make_writable.ts";

Deno.test("makeWritable() makes a folder, leaves nothing in it, and says what else would do", async () => {
  const root = await Deno.makeTempDir({ prefix: "moeno-writable-" });
  try {
    const folder = `${root}/a/b`;
    await makeWritable(folder, "another");
    await makeWritable(folder, "another");
    assertEquals(await Array.fromAsync(Deno.readDir(folder)), []);
    // A folder below a file is as good as one that is read-only, even for root.
    await Deno.writeTextFile(`${root}/file`, "");
    await assertRejects(
      () => makeWritable(`${root}/file/c`, "another folder in HERE"),
      Error,
      `Cannot write to ${root}/file/c: a part of the path is not a directory, wanted another folder in HERE`,
    );
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test({
  name: "makeWritable() names Deno's permission where that is what is missing",
  permissions: { read: true, write: false },
  async fn() {
    const { message } = await assertRejects(() =>
      makeWritable("/tmp/moeno-none", "another")
    ) as Error;
    assertEquals(
      message,
      "Cannot write to /tmp/moeno-none: Deno has no permission, run it with --allow-write=/tmp/moeno-none",
    );
  },
});
