import { assert, assertEquals, assertRejects } from "@std/assert";
import { withRandom } from "../../tests/_random.ts";
import { tempDirectory } from "../../tests/_tiny_checkpoint.ts";
import { OpenFiles } from "./open_files.ts";

/** The most chunks that are read at the same time. */
const READ_LIMIT = 12;

/** Bytes that tell where they lie and in which file. */
function makeBytes(byteLength: number, file: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(byteLength / 4);
  for (let i = 0; i < words.length; i++) {
    words[i] = Math.imul(i * 8 + file + 1, 0x9e3779b1);
  }
  return new Uint8Array(words.buffer);
}

function assertSameBytes(actual: Uint8Array, wanted: Uint8Array): void {
  assertEquals(actual.byteLength, wanted.byteLength);
  assertEquals(actual.findIndex((byte, i) => byte !== wanted[i]), -1);
}

/**
 * Counts the reads in flight of all files until it is disposed of. None goes on
 * before so many of them have begun.
 */
function watchReads(together = 1) {
  const begun = Promise.withResolvers<void>();
  const { prototype } = Deno.FsFile;
  const { read } = prototype;
  const watch = {
    inFlight: 0,
    most: 0,
    total: 0,
    /** The number of the read that is to fail. */
    failing: -1,
    [Symbol.dispose]: () => void (prototype.read = read),
  };
  prototype.read = async function (target) {
    const isFailing = ++watch.total === watch.failing;
    watch.most = Math.max(watch.most, ++watch.inFlight);
    if (watch.inFlight >= together) begun.resolve();
    try {
      await begun.promise;
      if (isFailing) throw new Error("no more bytes");
      return await read.call(this, target);
    } finally {
      watch.inFlight--;
    }
  };
  return watch;
}

Deno.test("OpenFiles gives every one of many overlapping reads its own bytes", async () => {
  using directory = tempDirectory();
  const contents = [40_000, 1_200, 99_996].map(makeBytes);
  const paths = contents.map((_, i) => `${directory.path}/${i}`);
  for (const [i, path] of paths.entries()) {
    await Deno.writeFile(path, contents[i]!);
  }
  await withRandom(3, async (random) => {
    using files = new OpenFiles();
    using watch = watchReads();
    await Promise.all(Array.from({ length: 300 }, async () => {
      const file = random.integer(3);
      const { byteLength } = contents[file]!;
      const begin = random.integer(byteLength);
      const end = begin + random.integer(byteLength - begin);
      const target = new Uint8Array(end - begin);
      await files.read(paths[file]!, { begin, target });
      assertSameBytes(target, contents[file]!.subarray(begin, end));
    }));
    // On a busy machine a read may end before the last one begins.
    for (const count of [watch.most, files.count]) {
      assert(count > READ_LIMIT / 2 && count <= READ_LIMIT, `${count} reads`);
    }
    assertEquals(watch.inFlight, 0);
  });
});

Deno.test("OpenFiles reads the chunks of a long read side by side", async () => {
  using directory = tempDirectory();
  const path = `${directory.path}/long`;
  const content = makeBytes(40 * 2 ** 20, 0);
  await Deno.writeFile(path, content);
  using files = new OpenFiles();
  using watch = watchReads(3);
  const target = new Uint8Array(content.byteLength - 7);
  await files.read(path, { begin: 3, target });
  assertSameBytes(target, content.subarray(3, -4));
  assertEquals([watch.most, files.count], [3, 3]);
});

Deno.test("OpenFiles goes on after a read that failed", async () => {
  using directory = tempDirectory();
  const path = `${directory.path}/file`;
  const content = makeBytes(4000, 0);
  await Deno.writeFile(path, content);
  for (const failing of [1, 2, 17, 40]) {
    using files = new OpenFiles();
    using watch = watchReads();
    watch.failing = failing;
    const reads = Array.from({ length: 40 }, () => new Uint8Array(100));
    const results = await Promise.allSettled(
      reads.map((target, i) => files.read(path, { begin: 100 * i, target })),
    );
    const failed = results.filter(({ status }) => status === "rejected");
    assertEquals(failed.length, 1);
    for (const [i, { status }] of results.entries()) {
      if (status === "rejected") continue;
      assertSameBytes(reads[i]!, content.subarray(100 * i, 100 * i + 100));
    }
    const again = new Uint8Array(4000);
    await files.read(path, { begin: 0, target: again });
    assertSameBytes(again, content);
  }
});

Deno.test("OpenFiles says where a file ends", async () => {
  using directory = tempDirectory();
  const path = `${directory.path}/file`;
  await Deno.writeFile(path, makeBytes(100, 0));
  using files = new OpenFiles();
  await assertRejects(
    () => files.read(path, { begin: 90, target: new Uint8Array(20) }),
    Error,
    `Cannot read ${path}: it ends at byte 100, wanted 110`,
  );
});

Deno.test("OpenFiles says the same of a cut file, wherever a read finds its end", async () => {
  using directory = tempDirectory();
  const path = `${directory.path}/file`;
  await Deno.writeFile(path, makeBytes(100, 0));
  using files = new OpenFiles();
  const mark = await Deno.stat(path);
  files.expect(path, { ...mark, size: 200 });
  for (const byteLength of [60, 160]) { // before the end, and across it
    const target = new Uint8Array(byteLength);
    await assertRejects(
      () => files.read(path, { begin: 0, target }),
      Error,
      `Cannot read ${path}: it was cut short after it was opened: ` +
        "it has 100 bytes, had 200, wanted it as it was; load it again",
    );
  }
});

Deno.test("OpenFiles closes all files when it is disposed of, also those in use", async () => {
  using directory = tempDirectory();
  const path = `${directory.path}/file`;
  await Deno.writeFile(path, makeBytes(4000, 0));
  const files = new OpenFiles();
  const read = () => files.read(path, { begin: 0, target: new Uint8Array(9) });
  await Promise.all([read(), read()]);
  assertEquals(files.count, 2);
  const inFlight = Array.from({ length: 30 }, read);
  files[Symbol.dispose]();
  const results = await Promise.allSettled(inFlight);
  assert(results.every(({ status }) => status === "rejected"));
  assertEquals(files.count, 0);
  await assertRejects(
    read,
    Error,
    `Cannot read ${path}: its checkpoint is disposed of, wanted an open one`,
  );
});
