/** Models by name: `list`, `rm`, and wherever a model is wanted. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { moeno } from "./_program.ts";
import { tempDirectory } from "./_tiny_checkpoint.ts";

const BUNDLED = fromFileUrl(
  new URL("../models/stories-17m-q", import.meta.url),
);

Deno.test("a model in the models folder is listed, used by name, and removed", async () => {
  using place = tempDirectory();
  const env = { MOENO_HOME: place.path };
  const run = (...args: string[]) => moeno(args, { env });
  const empty = await run("list");
  assertEquals(empty.code, 0, empty.stderr);
  assert(
    /^name +size +from\nstories-17m +\S+ MiB +bundled\n/.test(empty.stdout),
  );
  assertStringIncludes(empty.stderr, "# moeno pull <owner/name>");

  await Deno.mkdir(`${place.path}/models/me/tales`, { recursive: true });
  for await (const { name } of Deno.readDir(BUNDLED)) {
    await Deno.copyFile(
      `${BUNDLED}/${name}`,
      `${place.path}/models/me/tales/${name}`,
    );
  }
  await Deno.mkdir(`${place.path}/models/me/more.part`);
  const listed = await run("list", "--json");
  const { models } = JSON.parse(listed.stdout);
  assertEquals(
    models.map(({ name }: { name: string }) => name),
    ["stories-17m", "stories-17m-q", "me/more", "me/tales"],
  );
  const text = ["Once upon", "--max-tokens", "3", "--temperature", "0", "-q"];
  const named = await run("generate", ...text, "--model", "tales");
  assertEquals([named.code, named.stderr], [0, ""]);
  const bundled = await run("generate", ...text);
  assertEquals(named.stdout, bundled.stdout);
  const unknown = await run("generate", ...text, "--model", "tails");
  assertEquals([unknown.code, unknown.stdout], [1, ""]);
  assertStringIncludes(unknown.stderr, "error: Cannot find model tails: ");

  const refused: [string[], number, string][] = [
    [["rm"], 2, "rm has no model"],
    [["rm", "me/tales"], 2, "stdin is no terminal, wanted --yes"],
    [["rm", "me/tale", "-y"], 1, "did you mean me/tales?"],
    [["rm", "stories-17m", "-y"], 1, "it comes with the program"],
    [["rm", "../models/me/tales", "-y"], 1, "no fetched model has that name"],
    [["list", "me"], 2, "list takes no argument"],
  ];
  for (const [args, code, message] of refused) {
    const result = await run(...args);
    assertEquals(result.code, code, args.join(" "));
    assertStringIncludes(result.stderr, message);
  }
  const removed = await run("rm", "tales", "me/more", "--yes");
  assertEquals([removed.code, removed.stdout], [0, ""]);
  assert(
    /^# me\/tales is gone: 12\.\d MiB freed\n# me\/more/.test(removed.stderr),
  );
  assertEquals(await Array.fromAsync(Deno.readDir(`${place.path}/models`)), []);
});
