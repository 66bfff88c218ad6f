import { assertRejects } from "@std/assert";
import { tryToStart } from "./try_to_start.ts";

Deno.test("tryToStart() refuses Deno itself, which starts, too", async () => {
  await assertRejects(
    () => tryToStart(Deno.execPath(), "aarch64-apple-darwin"),
    Error,
    "Cannot compile for aarch64-apple-darwin: what came out does not start as Moeno (error: ",
  );
});

Deno.test({
  name: "tryToStart() takes what says that it was compiled, and nothing else",
  ignore: Deno.build.os === "windows",
  async fn() {
    const path = await Deno.makeTempFile();
    try {
      await Deno.chmod(path, 0o755);
      const write = (form: string) =>
        Deno.writeTextFile(path, `#!/bin/sh\necho '{ "form": "${form}" }'\n`);
      await write("compiled");
      await tryToStart(path, "");
      await write("source");
      await assertRejects(() => tryToStart(path, ""), Error, '"source"');
    } finally {
      await Deno.remove(path);
    }
  },
});
