/** `quantizeModel()` that ends in the midst of its work, and goes on. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { quantizeModel } from "../mod.ts";
import { count } from "./_counts.ts";
import { crashAt } from "./_crash.ts";
import { assertSameFiles, TINY_GROUPS } from "./_quantize.ts";
import { tempDirectory, tinyCheckpoint } from "./_tiny_checkpoint.ts";

/** In this thread, so that what happens when is always the same. */
const OPTIONS = {
  ...TINY_GROUPS,
  workerCount: 1,
  isSharded: true,
} as const;

const AREA = "quantize crashed";

/** Two experts of one layer: about a hundred operations on the disk. */
const CONFIG = { "num_local_experts": 2, "num_hidden_layers": 1 };

Deno.test("quantizeModel() goes on from a crash at any operation", async () => {
  using source = await tinyCheckpoint({ dtype: "BF16", config: CONFIG });
  using place = tempDirectory();
  const wanted = `${place.path}/wanted`;
  const target = `${place.path}/target`;
  const run = () => quantizeModel(source.path, target, OPTIONS);
  await quantizeModel(source.path, wanted, OPTIONS);
  let operation = 1;
  for (; (await crashAt(operation, run)).crashed; operation++) {
    await run();
    assertSameFiles(target, wanted);
    assertEquals(namesIn(place.path), ["target", "wanted"]);
    await Deno.remove(target, { recursive: true });
  }
  count(AREA, "faults injected", operation - 1);
  count(AREA, "recoveries", operation - 1);
});

Deno.test("quantizeModel() goes on from a crash where it replaces a model", async () => {
  using source = await tinyCheckpoint({ dtype: "BF16", config: CONFIG });
  using place = tempDirectory();
  const wanted = `${place.path}/wanted`;
  const target = `${place.path}/target`;
  const options = { ...OPTIONS, force: true };
  const run = () => quantizeModel(source.path, target, options);
  await quantizeModel(source.path, wanted, options);
  const other = { ...options, isSharded: false };
  await quantizeModel(source.path, target, other);
  const { count: last } = await crashAt(Infinity, run);
  assert(last > 80, `only ${last} operations`);
  // The first ones are those of the test above.
  for (let operation = last - 9; operation <= last; operation++) {
    await quantizeModel(source.path, target, other);
    assert((await crashAt(operation, run)).crashed);
    await run();
    assertSameFiles(target, wanted);
    assertEquals(namesIn(place.path), ["target", "wanted"]);
  }
});

Deno.test("quantizeModel() goes on from one crash after another", async () => {
  const config = { "num_local_experts": 2, "num_hidden_layers": 4 };
  using source = await tinyCheckpoint({ dtype: "F16", shardCount: 2, config });
  using place = tempDirectory();
  const target = `${place.path}/target`;
  const { attnScaleGroupSize: _, ...groups } = OPTIONS;
  const options = { ...groups, attnBits: 16 } as const;
  const run = () => quantizeModel(source.path, target, options);
  let crashCount = 0;
  // Sixty operations are more than the longest file takes.
  while ((await crashAt(60, run)).crashed) crashCount++;
  assert(crashCount >= 4, `only ${crashCount} crashes`);
  count(AREA, "faults injected", crashCount);
  count(AREA, "recoveries", 1);
  const wanted = `${place.path}/wanted`;
  await quantizeModel(source.path, wanted, options);
  assertSameFiles(target, wanted);
});

Deno.test("quantizeModel() writes no file twice that is whole", async () => {
  using source = await tinyCheckpoint();
  using place = tempDirectory();
  const target = `${place.path}/target`;
  const controller = new AbortController();
  const stopped = quantizeModel(source.path, target, {
    ...OPTIONS,
    signal: controller.signal,
    onProgress: ({ done, total }) => {
      if (done > 0.9 * total) controller.abort(new Error("Cannot wait"));
    },
  });
  await assertRejects(() => stopped, Error, "Cannot wait");
  const shard = `${target}.part/model-00002-of-00003.safetensors`;
  const before = await Deno.stat(shard);
  const result = await quantizeModel(source.path, target, OPTIONS);
  assertEquals(result.reusedFileCount, 2);
  const after = await Deno.stat(shard.replace(".part/", "/"));
  assertEquals([after.ino, after.mtime], [before.ino, before.mtime]);

  const wanted = `${place.path}/wanted`;
  await quantizeModel(source.path, wanted, OPTIONS);
  assertSameFiles(target, wanted);
});

Deno.test("quantizeModel() does not go on with another source or other options", async () => {
  using source = await tinyCheckpoint();
  using place = tempDirectory();
  const target = `${place.path}/target`;
  await crashAt(60, () => quantizeModel(source.path, target, OPTIONS));
  const says = "is what is left of a run with other options or another source";
  const other = { ...OPTIONS, expertBits: 4 } as const;
  await assertRejects(
    () => quantizeModel(source.path, target, other),
    Error,
    says,
  );
  await Deno.utime(`${source.path}/model.safetensors`, 1e9, 1e9);
  await assertRejects(
    () => quantizeModel(source.path, target, OPTIONS),
    Error,
    says,
  );
  await quantizeModel(source.path, target, { ...OPTIONS, force: true });
});

function namesIn(path: string): string[] {
  return [...Deno.readDirSync(path)].map(({ name }) => name).sort();
}
