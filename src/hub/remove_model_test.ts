import { assertEquals, assertRejects } from "@std/assert";
import { findNames } from "./local_models.ts";
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
