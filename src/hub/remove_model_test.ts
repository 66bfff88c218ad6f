import { assertEquals, assertRejects } from "@std/assert";
import { findNames } from "./local_models.ts";
import { PartDirectory } from "../io/part_directory.ts";
import { removeModel } from "./remove_model.ts";

Deno.test({
  name: "removeModel() takes links away, never what they lead to",
  ignore: Deno.build.os === "windows", // links take rights there
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "moeno-remove-" });
    try {
      const home = `${folder}/home`;
      await Deno.mkdir(`${home}/models/owner`, { recursive: true });
      await Deno.mkdir(`${folder}/disk/model/inner`, { recursive: true });
      const file = `${folder}/disk/model/inner/file`;
      await Deno.writeTextFile(file, "kept");
      await Deno.symlink(`${folder}/disk/model`, `${home}/models/owner/model`);
      await Deno.symlink(`${folder}/disk`, `${home}/models/linked`);
      // A link within a model, too.
      await Deno.mkdir(`${home}/models/owner/other`);
      await Deno.symlink(`${folder}/disk`, `${home}/models/owner/other/link`);

      const names = await findNames({ home, bundled: null });
      const named = new Map(names.map((model) => [model.name, model]));
      assertEquals(
        [...named.keys()],
        ["linked/model", "owner/model", "owner/other"],
      );
      assertEquals(await removeModel(named.get("owner/model")!, home), 0);
      await removeModel(named.get("owner/other")!, home);
      await assertRejects(
        () => removeModel(named.get("linked/model")!, home),
        Error,
        "Cannot remove model linked/model: ",
      );
      assertEquals(await Deno.readTextFile(file), "kept");
      const left = await Array.fromAsync(Deno.readDir(`${home}/models`));
      assertEquals(left.map(({ name }) => name), ["linked"]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("removeModel() takes nothing from under a pull, and says so", async () => {
  const home = await Deno.makeTempDir({ prefix: "moeno-remove-" });
  try {
    const directory = `${home}/models/owner/model`;
    const options = { manifest: { what: "pulled" }, force: false };
    await Deno.mkdir(`${home}/models/owner`, { recursive: true });
    using part = await PartDirectory.open(directory, options);
    await Deno.writeTextFile(`${part.path}/config.json`, "{}");
    const [model] = await findNames({ home, bundled: null });
    await assertRejects(
      () => removeModel(model!, home),
      Error,
      "Cannot remove model owner/model: another process is writing it",
    );
    assertEquals(await Deno.readTextFile(`${part.path}/config.json`), "{}");
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});
