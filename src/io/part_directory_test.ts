import { assertEquals, assertRejects } from "@std/assert";
import { isUnfinished, PartDirectory } from "./part_directory.ts";

const A = { manifest: { bits: 4 }, force: false };
const B = { manifest: { bits: 2 }, force: false };

/** Runs a test in a directory of its own. */
async function inDirectory(fn: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempDir({ prefix: "moeno-test-" });
  try {
    await fn(path);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

/** Makes `<target>.part` with one file in it, as a run that ended early does. */
async function leave(target: string, options = A): Promise<void> {
  using place = await PartDirectory.open(target, options);
  await Deno.writeTextFile(`${place.path}/1.bin`, "one");
  await Deno.writeTextFile(`${place.path}/2.bin.x.part`, "half");
}

function listing(path: string): string[] {
  return [...Deno.readDirSync(path)].map(({ name }) => name).sort();
}

Deno.test("PartDirectory appears under its name when it is whole", () =>
  inDirectory(async (path) => {
    const target = `${path}/deep/model`;
    using place = await PartDirectory.open(target, A);
    await Deno.writeTextFile(`${place.path}/1.bin`, "one");
    assertEquals(listing(`${path}/deep`), ["model.part"]);
    await place.finish();
    assertEquals(listing(`${path}/deep`), ["model"]);
    assertEquals(listing(target), ["1.bin"]);
  }));

Deno.test("PartDirectory goes on where the same run ended", () =>
  inDirectory(async (path) => {
    await leave(`${path}/model`);
    using place = await PartDirectory.open(`${path}/model`, A);
    assertEquals(listing(place.path), ["1.bin", "manifest.json"]);
    await place.finish();
    assertEquals(listing(`${path}/model`), ["1.bin"]);
  }));

Deno.test("PartDirectory leaves what another run left, unless forced", () =>
  inDirectory(async (path) => {
    await leave(`${path}/model`);
    await assertRejects(
      () => PartDirectory.open(`${path}/model`, B),
      Error,
      "model.part is what is left of a run with other options or another source, wanted the same as then to go on with it, or force to begin again",
    );
    assertEquals(listing(`${path}/model.part`).length, 3);
    const options = { ...B, force: true };
    using place = await PartDirectory.open(`${path}/model`, options);
    assertEquals(listing(place.path), ["manifest.json"]);
    await place.finish();
  }));

Deno.test("PartDirectory begins again where no file was left", () =>
  inDirectory(async (path) => {
    (await PartDirectory.open(`${path}/model`, A))[Symbol.dispose]();
    using _place = await PartDirectory.open(`${path}/model`, B);
    const text = await Deno.readTextFile(`${path}/model.part/manifest.json`);
    assertEquals(JSON.parse(text), B.manifest);
  }));

Deno.test("PartDirectory replaces a target only if forced, and at the end", () =>
  inDirectory(async (path) => {
    await Deno.mkdir(`${path}/model`);
    await Deno.writeTextFile(`${path}/model/old.bin`, "old");
    await assertRejects(
      () => PartDirectory.open(`${path}/model`, A),
      Error,
      "model: it is there already, wanted another name, or force to replace it",
    );
    const options = { ...A, force: true };
    using place = await PartDirectory.open(`${path}/model`, options);
    await Deno.writeTextFile(`${place.path}/new.bin`, "new");
    assertEquals(listing(`${path}/model`), ["old.bin"]);
    await place.finish();
    assertEquals(listing(`${path}/model`), ["new.bin"]);
    assertEquals(listing(path), ["model"]);
  }));

Deno.test("PartDirectory keeps out a second writer", () =>
  inDirectory(async (path) => {
    using _place = await PartDirectory.open(`${path}/model`, A);
    for (const force of [false, true]) {
      await assertRejects(
        () => PartDirectory.open(`${path}/model`, { ...B, force }),
        Error,
        "another process is writing it, wanted one at a time",
      );
    }
    await assertRejects(
      () =>
        PartDirectory.open(`${path}/model`, { ...A, action: "remove model m" }),
      Error,
      "Cannot remove model m: another process is writing it",
    );
  }));

Deno.test("PartDirectory goes away when it is discarded, without the target", () =>
  inDirectory(async (path) => {
    const target = `${path}/model`;
    await Deno.mkdir(target);
    using place = await PartDirectory.open(target, { ...A, force: true });
    await Deno.writeTextFile(`${place.path}/1.bin`, "one");
    await place.discard();
    assertEquals(listing(path), ["model"]);
  }));

Deno.test("isUnfinished() tells of a process that ended right after the rename", () =>
  inDirectory(async (path) => {
    const target = `${path}/model`;
    assertEquals(await isUnfinished(target), false);
    await leave(target);
    await Deno.rename(`${target}.part`, target);
    assertEquals(await isUnfinished(target), true);
    using place = await PartDirectory.open(target, A);
    await place.finish();
    assertEquals(await isUnfinished(target), false);
  }));

Deno.test("PartDirectory never touches files that are not its own", () =>
  inDirectory(async (path) => {
    await Deno.mkdir(`${path}/model.part`);
    await Deno.writeTextFile(`${path}/model.part/thesis.txt`, "mine");
    for (const force of [false, true]) {
      await assertRejects(
        () => PartDirectory.open(`${path}/model`, { ...A, force }),
        Error,
        "model.part is there with other files, wanted it moved away",
      );
    }
    assertEquals(listing(`${path}/model.part`), ["thesis.txt"]);

    await Deno.writeTextFile(`${path}/file`, "");
    await assertRejects(
      () => PartDirectory.open(`${path}/file/model`, A),
      Error,
      "Cannot write",
    );
  }));
