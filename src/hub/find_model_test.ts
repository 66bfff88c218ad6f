import { assertEquals, assertRejects } from "@std/assert";
import { findModel, matching } from "./find_model.ts";
import { listModels } from "./local_models.ts";
import { type PulledModel, SOURCE_FILE } from "./models_folder.ts";
import { removeModel } from "./remove_model.ts";

/** A home with some models in it, and a folder of bundled ones. */
async function withPlaces(
  run: (places: { home: string; bundled: string }) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "moeno-models-" });
  const home = `${root}/home`;
  const bundled = `${root}/bundled`;
  const source: PulledModel = {
    endpoint: "https://hub.example",
    owner: "ann",
    name: "one",
    revision: "main",
    commit: null,
    pulledAt: "2026-01-02T03:04:05Z",
    files: [],
  };
  const files = {
    [`${bundled}/toy/config.json`]: "{}",
    [`${home}/models/ann/one/${SOURCE_FILE}`]: JSON.stringify(source),
    [`${home}/models/ann/one/deep/x`]: "12345",
    [`${home}/models/ann/one@refs%2Fpr%2F1/x`]: "1",
    [`${home}/models/bob/one/x`]: "1",
    [`${home}/models/bob/two/x`]: "1",
    [`${home}/models/bob/half.part/manifest.json`]: "{}",
    [`${home}/models/bob/half.part/x`]: "1",
    [`${home}/models/.removed-1/x`]: "1",
    [`${root}/other/x`]: "1234567",
  };
  try {
    for (const [path, text] of Object.entries(files)) {
      await Deno.mkdir(path.replace(/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(path, text);
    }
    await run({ home, bundled });
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("listModels() lists bundled, fetched and unfinished models", async () => {
  await withPlaces(async (places) => {
    const models = await listModels(places);
    assertEquals(
      models.map(({ name, isBundled, isWhole, byteLength }) =>
        [name, isBundled, isWhole, byteLength].join(" ")
      ),
      [
        "toy true true 2",
        `ann/one false true ${5 + JSON.stringify(models[1]!.source).length}`,
        "ann/one@refs/pr/1 false true 1",
        "bob/half false false 3",
        "bob/one false true 1",
        "bob/two false true 1",
      ],
    );
    assertEquals(models[1]!.source!.owner, "ann");
    assertEquals(await listModels({ home: null, bundled: null }), []);
    assertEquals(await listModels({ home: "/none", bundled: "/none" }), []);
  });
});

Deno.test("findModel() finds names, and leaves paths as they are", async () => {
  await withPlaces(async (places) => {
    const { home, bundled } = places;
    const found: [string, string][] = [
      ["toy", `${bundled}/toy`],
      ["two", `${home}/models/bob/two`],
      ["bob/one", `${home}/models/bob/one`],
      ["ann/one@refs/pr/1", `${home}/models/ann/one@refs%2Fpr%2F1`],
      [bundled, bundled],
      ["./toy", "./toy"],
      ["../models/ann", "../models/ann"],
      ["a/b/c", "a/b/c"],
      ["~x", "~x"],
      ["src/hub", "src/hub"], // is a directory from where tests run
    ];
    for (const [text, directory] of found) {
      assertEquals(await findModel(text, places), directory, text);
    }
  });
});

Deno.test("findModel() says what there is, and how to get more", async () => {
  await withPlaces(async (places) => {
    const refused = [
      ["one", "ann/one, bob/one are called so, wanted one with its owner"],
      [
        "half",
        "it is not here as a whole, wanted the rest; moeno pull bob/half",
      ],
      ["x/y", "here are toy, ann/one, ann/one@refs/pr/1, bob/half, bob/one, "],
      ["x/y", "moeno pull x/y fetches one from a hub"],
      ["x y", "moeno pull <owner/name> fetches one"],
      ["twoo", "of that name, did you mean two?"],
      ["ann/noe", "did you mean ann/one? moeno pull ann/noe fetches one from"],
      ["", "Cannot find a model: its name is empty, wanted a directory"],
      ["HAL", "did you mean half?"],
      [".removed-1/x", null],
    ] as const;
    for (const [text, message] of refused) {
      if (message === null) {
        assertEquals(await findModel(text, places), text); // a path
        continue;
      }
      await assertRejects(() => findModel(text, places), Error, message);
    }
    const nowhere = { home: null, bundled: null };
    await assertRejects(() => findModel("x", nowhere), Error, "none here");
  });
});

Deno.test("removeModel() takes a model and its part away, and follows no link", async () => {
  await withPlaces(async (places) => {
    const { home } = places;
    const models = `${home}/models`;
    await Deno.mkdir(`${models}/bob/two.part`);
    await Deno.writeTextFile(`${models}/bob/two.part/manifest.json`, "{}");
    await Deno.symlink(`${home}/../other`, `${models}/bob/link`);
    const remove = async (name: string) => {
      const [model] = matching(name, await listModels(places));
      return await removeModel(model!, home);
    };
    assertEquals(await remove("bob/two"), 3);
    assertEquals(await remove("bob/half"), 3);
    assertEquals(await remove("bob/link"), 0);
    assertEquals(await Deno.readTextFile(`${home}/../other/x`), "1234567");
    assertEquals(await remove("bob/one"), 1);
    const left = await listModels({ home, bundled: null });
    assertEquals(left.map(({ name }) => name), [
      "ann/one",
      "ann/one@refs/pr/1",
    ]);
    // What an earlier process left is gone, and the owner's empty folder.
    const names = await Array.fromAsync(Deno.readDir(models));
    assertEquals(names.map(({ name }) => name), ["ann"]);
  });
});
