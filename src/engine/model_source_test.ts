import { assertRejects } from "@std/assert";
import { openSource } from "./model_source.ts";

Deno.test("openSource() says that a model is of another format", async () => {
  const path = await Deno.makeTempDir({ prefix: "moeno-test-" });
  const file = `${path}/model.gguf`;
  const says = (directory: string, state: string) =>
    assertRejects(
      () => openSource(directory),
      Error,
      `Cannot open the model ${directory}: it ${state}, wanted a directory in`,
    );
  try {
    await assertRejects(() => openSource(path), Error, "there is no such file");
    await Deno.writeTextFile(file, "GGUF\x03\0\0\0");
    await says(file, "is a file");
    await says(path, 'holds "model.gguf"');
    await Deno.writeTextFile(`${path}/config.json`, "{");
    await assertRejects(() => openSource(path), SyntaxError, "not JSON");
    await assertRejects(() => openSource(`${path}/x`), Error, "no such file");
  } finally {
    await Deno.remove(path, { recursive: true });
  }
});
