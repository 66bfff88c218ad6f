/** A real disk that is full: 400 KB of memory as a file system of its own. */

import { assert, assertEquals } from "@std/assert";
import { quantizeModel } from "../mod.ts";
import { count } from "./_counts.ts";
import { finish, withEngine } from "./_engine.ts";
import { pullLab } from "./_pull.ts";
import { assertSameFiles, TINY_GROUPS } from "./_quantize.ts";
import { assertSentence } from "./_sentence.ts";
import { tempDirectory, tinyCheckpoint } from "./_tiny_checkpoint.ts";

const FULL = "No space left on device";

async function mount(...args: string[]): Promise<boolean> {
  try {
    const command = new Deno.Command("mount", {
      args,
      stdout: "null",
      stderr: "null",
    });
    return (await command.output()).success;
  } catch {
    return false; // there is no such program
  }
}

/** A directory that is a disk of its own; `null` where nobody may mount one. */
async function smallDisk(byteLength: number) {
  const place = tempDirectory();
  const { path } = place;
  const size = `size=${byteLength}`;
  if (!await mount("-t", "tmpfs", "-o", size, "tmpfs", path)) {
    place[Symbol.dispose]();
    return null;
  }
  return {
    path,
    grow: () => mount("-o", "remount,size=64m", path),
    async [Symbol.asyncDispose]() {
      await new Deno.Command("umount", { args: [path] }).output();
      place[Symbol.dispose]();
    },
  };
}

Deno.test("What is written to a full disk fails in a sentence, leaves nothing, and works once there is room", async () => {
  await using disk = await smallDisk(400 * 1024);
  if (disk === null) {
    const why = "no disk to fill: only root mounts one, on Linux ... ";
    await Deno.stderr.write(new TextEncoder().encode(why));
    return;
  }
  const { path } = disk;
  const namesIn = async () =>
    (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name);
  using source = await tinyCheckpoint({ dtype: "F32" });
  using place = tempDirectory();
  const wanted = `${place.path}/wanted`;
  const options = { ...TINY_GROUPS, workerCount: 1, isSharded: true } as const;
  const quantize = (to: string) => quantizeModel(source.path, to, options);
  await quantize(wanted);

  await withEngine(source.path, {}, async (engine) => {
    const long = { maxTokens: 100, temperature: 0, ignoreEos: true };
    await finish(engine.generate([5, 9, 23], long));
    // All but a few pages: then no file of any use fits.
    const filler = new Uint8Array(392 * 1024);
    await Deno.writeFile(`${path}/filler`, filler);
    await assertSentence(() => engine.saveState(`${path}/state`), FULL);
    assertEquals(await namesIn(), ["filler"]);
    await assertSentence(() => quantize(`${path}/model`), FULL);
    assert(!(await namesIn()).includes("model"));

    await using lab = pullLab();
    const home = `${path}/home`;
    await assertSentence(() => lab.pull({ home }), FULL);

    await disk.grow();
    await engine.saveState(`${path}/state`);
    await engine.loadState(`${path}/state`);
    await quantize(`${path}/model`);
    assertSameFiles(`${path}/model`, wanted);
    const { directory } = await lab.pull({ home });
    assert((await Deno.stat(`${directory}/config.json`)).isFile);
  });
  count("a full disk", "faults injected", 3);
  count("a full disk", "recoveries", 3);
});
