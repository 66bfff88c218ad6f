import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { Checkpoint } from "./checkpoint.ts";
import { decodeFloats } from "./float.ts";
import { encodeSafetensors } from "./safetensors_writer.ts";

const STORIES = fromFileUrl(
  new URL("../../models/stories-17m", import.meta.url),
);

/** A file with these tensors of one byte each. */
function shardOf(...names: string[]): Uint8Array {
  const spec = { dtype: "U8", shape: [1] } as const;
  return encodeSafetensors(
    names.map((name, i) => ({ ...spec, name, bytes: Uint8Array.of(i) })),
  );
}

function indexOf(weightMap: Record<string, unknown>): string {
  return JSON.stringify({ metadata: {}, weight_map: weightMap });
}

/** Runs a test in a directory with these files. */
async function withFiles(
  files: Record<string, Uint8Array | string>,
  test: (directory: string) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    for (const [name, content] of Object.entries(files)) {
      const bytes = typeof content === "string"
        ? new TextEncoder().encode(content)
        : content;
      await Deno.writeFile(join(directory, name), bytes);
    }
    await test(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("Checkpoint reads every tensor of the bundled shards", async () => {
  using checkpoint = await Checkpoint.open(STORIES);
  const index = JSON.parse(
    await Deno.readTextFile(join(STORIES, "model.safetensors.index.json")),
  );
  const names = checkpoint.names();
  assertEquals(names.toSorted(), Object.keys(index.weight_map).sort());
  // All at once: each must get its own bytes, though shards have one position.
  const all = await Promise.all(names.map((name) => checkpoint.read(name)));
  const files = new Map<string, Uint8Array>();
  for (const [i, name] of names.entries()) {
    const file = index.weight_map[name];
    if (!files.has(file)) {
      files.set(file, await Deno.readFile(join(STORIES, file)));
    }
    const { begin, end } = checkpoint.info(name);
    const wanted = files.get(file)!.subarray(begin, end);
    assertEquals(all[i]!.byteLength, wanted.byteLength, name);
    assertEquals(all[i]!.every((byte, at) => byte === wanted[at]), true, name);
  }
});

Deno.test("Checkpoint reads floats, and into a given array", async () => {
  using checkpoint = await Checkpoint.open(STORIES);
  const name = "model.norm.weight";
  const bytes = new Uint8Array(514);
  await checkpoint.readInto(name, bytes.subarray(1, 513));
  assertEquals(
    await checkpoint.readFloat32(name),
    decodeFloats(bytes.subarray(1, 513), "BF16"),
  );
  await assertRejects(
    () => checkpoint.readInto(name, bytes),
    RangeError,
    "target has 514 bytes, wanted 512",
  );
});

Deno.test("Checkpoint.expect() says what a tensor is instead", async () => {
  using checkpoint = await Checkpoint.open(STORIES);
  const name = "model.norm.weight";
  const { begin, end } = checkpoint.expect(name, {
    shape: [256],
    dtypes: ["F32", "BF16"],
  });
  assertEquals(end - begin, 512);
  assertThrows(
    () => checkpoint.expect(name, { shape: [256, 1] }),
    RangeError,
    `its shape is [256], wanted [256, 1]`,
  );
  assertThrows(
    () => checkpoint.expect(name, { shape: [256], dtypes: ["F32", "F16"] }),
    TypeError,
    `its dtype is BF16, wanted F32 or F16`,
  );
  assertThrows(
    () => checkpoint.info("model.nrom.weight"),
    Error,
    'Cannot find tensor "model.nrom.weight"',
  );
  assertEquals(checkpoint.has("model.nrom.weight"), false);
});

Deno.test("Checkpoint opens a single file before an index", () =>
  withFiles({
    "model.safetensors": shardOf("a", "b"),
    "model.safetensors.index.json": "broken",
    "other.safetensors": "broken",
  }, async (directory) => {
    using checkpoint = await Checkpoint.open(directory);
    assertEquals(checkpoint.names(), ["a", "b"]);
    assertEquals(await checkpoint.read("b"), Uint8Array.of(1));
    await assertRejects(() => checkpoint.readFloat32("b"), TypeError, "is U8");
  }));

Deno.test("Checkpoint opens files of other names, which may not share tensors", () =>
  withFiles({
    "y.safetensors": shardOf("b"),
    "x.safetensors": shardOf("a"),
  }, async (directory) => {
    {
      using checkpoint = await Checkpoint.open(directory);
      assertEquals(checkpoint.names(), ["a", "b"]);
    }
    await Deno.writeFile(join(directory, "z.safetensors"), shardOf("a"));
    await assertRejects(
      () => Checkpoint.open(directory),
      Error,
      'tensor "a" is in ',
    );
  }));

Deno.test("Checkpoint finds tensors whose shard leaves out their prefix", () => {
  const prefix = "model.layers.0.block_sparse_moe.experts.";
  return withFiles({
    "1.safetensors": shardOf("w1.W_q", "w2.W_q"),
    "2.safetensors": shardOf("w1.W_q", `${prefix}1.w2.W_q`, "unlisted"),
    "model.safetensors.index.json": indexOf({
      [`${prefix}1.w2.W_q`]: "2.safetensors",
      [`${prefix}0.w2.W_q`]: "1.safetensors",
      [`${prefix}1.w1.W_q`]: "2.safetensors",
      [`${prefix}0.w1.W_q`]: "1.safetensors",
    }),
  }, async (directory) => {
    using checkpoint = await Checkpoint.open(directory);
    assertEquals(
      checkpoint.names(),
      ["1.w1.W_q", "1.w2.W_q", "0.w1.W_q", "0.w2.W_q"].map((name) =>
        prefix + name
      ),
    );
    const name = `${prefix}0.w2.W_q`;
    assertEquals(checkpoint.info(name).name, name);
    assertEquals(await checkpoint.read(name), Uint8Array.of(1));
  });
});

Deno.test("Checkpoint.open() says what is wrong with a directory", async (t) => {
  const index = "model.safetensors.index.json";
  const two = { a: "1.safetensors", b: "2.safetensors" };
  const whole = shardOf("a");
  const cases: [string, Record<string, Uint8Array | string>, string][] = [
    [
      "no weights",
      { "config.json": "{}", "pytorch_model.bin": "" },
      "no weights in it, wanted model.safetensors, model.safetensors.index.json with its shards, or other *.safetensors files",
    ],
    ["broken index", { [index]: "{" }, "that are not JSON"],
    ["index without map", { [index]: "{}" }, "it has no weight_map"],
    ["index of numbers", { [index]: indexOf({ a: 1 }) }, "no string for"],
    [
      "missing shard",
      { [index]: indexOf(two), "1.safetensors": whole },
      "2.safetensors is missing, wanted all files that model.safetensors.index.json names",
    ],
    [
      "truncated shard",
      {
        [index]: indexOf(two),
        "1.safetensors": whole,
        "2.safetensors": shardOf("b").slice(0, -1),
      },
      `2.safetensors: it has ${
        whole.length - 1
      } bytes, its header says ${whole.length}: probably an incomplete download, download it again`,
    ],
    ["empty shard", { "x.safetensors": "" }, "it has 0 bytes, wanted at least"],
    [
      "tensor not in its shard",
      {
        [index]: indexOf({ a: "1.safetensors", b: "1.safetensors" }),
        "1.safetensors": whole,
      },
      '1.safetensors has no tensor "b", wanted what model.safetensors.index.json says',
    ],
    [
      "two names for one tensor",
      {
        [index]: indexOf({ "0.a": "1.safetensors", "1.a": "1.safetensors" }),
        "1.safetensors": whole,
      },
      '1.safetensors has one tensor for "0.a" and "1.a"',
    ],
    ...["../1.safetensors", "/1.safetensors", "..", "C:\\x.safetensors", ""]
      .map((file): [string, Record<string, string>, string] => [
        `path ${file}`,
        { [index]: indexOf({ a: file }) },
        "wanted a *.safetensors file of the same directory",
      ]),
  ];
  for (const [name, files, message] of cases) {
    await t.step(name, () =>
      withFiles(files, async (directory) => {
        const open = () => Checkpoint.open(directory);
        const { message: got } = await assertRejects(open, Error, message);
        assertEquals(got.startsWith("Cannot "), true, got);
      }));
  }
});

Deno.test("Checkpoint.open() says when there is no directory", () =>
  withFiles({ "model.safetensors": shardOf("a") }, async (directory) => {
    const file = join(directory, "model.safetensors");
    await assertRejects(
      () => Checkpoint.open(file),
      Error,
      `Cannot open checkpoint ${file}: it is a file, wanted the directory that holds it`,
    );
    await assertRejects(
      () => Checkpoint.open(join(directory, "x")),
      Error,
      "there is no such directory",
    );
  }));

Deno.test("Checkpoint.read() says when a file went away or was cut", () =>
  withFiles({ "model.safetensors": shardOf("a", "b") }, async (directory) => {
    const path = join(directory, "model.safetensors");
    using cut = await Checkpoint.open(directory);
    await Deno.truncate(path, shardOf("a", "b").length - 1);
    const results = await Promise.allSettled([cut.read("b"), cut.read("a")]);
    assertEquals(results.map(({ status }) => status), [
      "rejected",
      "rejected", // it may be anything now
    ]);
    await assertRejects(() => cut.read("b"), Error, "it was cut short");

    await Deno.writeFile(path, shardOf("a"));
    using gone = await Checkpoint.open(directory);
    await Deno.remove(path);
    await assertRejects(() => gone.read("a"), Error, "there is no such file");
  }));

Deno.test("Checkpoint.read() says when a file was written to, or is another one", () =>
  withFiles({ "model.safetensors": shardOf("a") }, async (directory) => {
    const path = join(directory, "model.safetensors");
    const wanted = (reads: Promise<unknown>, says: string) =>
      assertRejects(() => reads, Error, `Cannot read ${path}: ${says}`);
    using written = await Checkpoint.open(directory);
    await written.read("a");
    const { mtime } = await Deno.stat(path);
    await Deno.writeFile(path, shardOf("a"));
    await Deno.utime(path, new Date(), mtime!.getTime() / 1000 + 1);
    await wanted(written.read("a"), "it was written to after it was opened");

    using open = await Checkpoint.open(directory);
    using closed = await Checkpoint.open(directory);
    const before = await open.read("a"); // its file stays open
    await Deno.writeFile(`${path}.new`, shardOf("b"));
    await Deno.rename(`${path}.new`, path);
    await wanted(closed.read("a"), "another file took its place");
    assertEquals(await open.read("a"), before); // the file that it knows
  }));

Deno.test("Checkpoint reads nothing after it is disposed of", () =>
  withFiles({ "model.safetensors": shardOf("a") }, async (directory) => {
    const checkpoint = await Checkpoint.open(directory);
    const early = checkpoint.read("a"); // opens the file while we dispose
    checkpoint[Symbol.dispose]();
    await assertRejects(() => early, Error, "disposed of");
    await assertRejects(() => checkpoint.read("a"), Error, "disposed of");
    checkpoint[Symbol.dispose]();
  }));

Deno.test({
  name: "Checkpoint.open() says when Deno has no permission",
  permissions: { read: false },
  fn: async () => {
    await assertRejects(
      () => Checkpoint.open("models"),
      Error,
      "Cannot open checkpoint models: Deno has no permission",
    );
  },
});
