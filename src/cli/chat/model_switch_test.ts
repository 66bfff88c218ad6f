import { assert, assertEquals, assertRejects } from "@std/assert";
import { fakeEngine } from "../_fake_engine.ts";
import { OneModel } from "./model_switch.ts";

/** Opens models of any name but those that are gone, and keeps a log. */
function opener() {
  const log: string[] = [];
  const gone = new Set<string>();
  let openCount = 0;
  return {
    log,
    gone,
    find: (name: string) =>
      name === "typo"
        ? Promise.reject(new Error("no typo"))
        : Promise.resolve(),
    open(name: string) {
      if (gone.has(name)) return Promise.reject(new Error(`no ${name}`));
      if (++openCount > 1) throw new Error("Cannot open: there is one already");
      log.push(`open ${name}`);
      let isOpen = true;
      return Promise.resolve({
        engine: { ...fakeEngine(), name },
        [Symbol.asyncDispose]() {
          if (isOpen) {
            log.push(`free ${name}`);
            openCount--;
          }
          isOpen = false;
          return Promise.resolve();
        },
      });
    },
  };
}

Deno.test("OneModel frees a model before it opens the next", async () => {
  const { open, find, log, gone } = opener();
  {
    await using models = await OneModel.open("a", { open, find, home: null });
    assertEquals((await models.change("b")).name, "b");
    assertEquals([models.current, models.engine.name], ["b", "b"]);
    await assertRejects(() => models.change("typo"), Error, "no typo");
    gone.add("c");
    await assertRejects(() => models.change("c"), Error, "no c");
    assertEquals([models.current, models.engine.name], ["b", "b"]);
    gone.add("b");
    await assertRejects(
      () => models.change("c"),
      Error,
      "no c; nor can b be opened again; /model opens one",
    );
    assertEquals((await models.change("d")).name, "d");
  }
  assertEquals(log, [
    ...["open a", "free a", "open b", "free b", "open b", "free b"],
    ...["open d", "free d"],
  ]);
});

Deno.test("OneModel knows the names of models that were fetched", async () => {
  const home = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${home}/models/one/big`, { recursive: true });
    await Deno.mkdir(`${home}/models/two/small`, { recursive: true });
    const { open, find } = opener();
    await using models = await OneModel.open("a", { open, find, home });
    const names = await models.names("");
    assertEquals(names.filter((name) => name.includes("/")), [
      ...["one/big", "two/small"],
    ]);
    assert(names.includes("stories-17m-q"), "the bundled ones, too");
    assertEquals(await models.names("t"), ["two/small"]);
    assertEquals(await models.names(`${home}/models/o`), [
      `${home}/models/one/`,
    ]);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});
