/** `moeno quantize` as a process: what it prints, and what kills leave. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { quantizeModel } from "../mod.ts";
import { assertSameFiles, TINY_GROUPS } from "./_quantize.ts";
import { tempDirectory, tinyCheckpoint } from "./_tiny_checkpoint.ts";

const PROGRAM = fromFileUrl(new URL("../mod.ts", import.meta.url));
const GROUPS = [
  ...["--group-size", "16", "--attn-scale-group-size", "16"],
  ...["--expert-scale-group-size", "16"],
];

function start(args: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", PROGRAM, "quantize", ...args],
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
}

async function quantize(...args: string[]) {
  const { code, stdout, stderr } = await start(args).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

/** Sends a signal once `part` has more than some files, unless all is done by then. */
async function signalled(
  child: Deno.ChildProcess,
  signal: Deno.Signal,
  { part, fileCount }: { part: string; fileCount: number },
): Promise<Deno.CommandOutput> {
  let isOver = false;
  const output = child.output().finally(() => isOver = true);
  while (!isOver && await countFiles(part) <= fileCount) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  try {
    child.kill(signal);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // it has ended
  }
  return await output;
}

/** How many files a directory has; -1 if it is not there. */
async function countFiles(path: string): Promise<number> {
  try {
    return (await Array.fromAsync(Deno.readDir(path))).length;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return -1;
    throw error;
  }
}

Deno.test("quantize makes what quantizeModel() makes, and says how it went", async () => {
  using source = await tinyCheckpoint({ dtype: "BF16", shardCount: 2 });
  using place = tempDirectory();
  const target = `${place.path}/target`;
  const flags = ["--expert-bits", "3", "--workers", "2", "--sharded"];
  const { code, stdout, stderr } = await quantize(
    ...[source.path, `${target}/`, ...GROUPS, ...flags],
  );
  assertEquals([code, stdout], [0, ""]);
  assert(
    /^# \S+target: \d\d\.\d KiB to \d\d\.\d KiB; 3 files; \d+\.\d s, \d\.\d M weights\/s, 2 workers\n$/
      .test(stderr),
    stderr,
  );
  const wanted = `${place.path}/wanted`;
  const options = { ...TINY_GROUPS, expertBits: 3, isSharded: true } as const;
  await quantizeModel(source.path, wanted, { ...options, workerCount: 1 });
  assertSameFiles(target, wanted);
});

Deno.test("quantize --json prints an object, --quiet says nothing", async () => {
  using source = await tinyCheckpoint();
  using place = tempDirectory();
  const target = `${place.path}/target`;
  const { code, stdout, stderr } = await quantize(
    ...[source.path, target, ...GROUPS, "--json", "--quiet"],
  );
  assertEquals([code, stderr], [0, ""]);
  const { timeMs, ...result } = JSON.parse(stdout);
  assert(timeMs > 0);
  const { size } = await Deno.stat(`${source.path}/model.safetensors`);
  assert(result.sourceByteLength < size);
  assertEquals(result.weightCount, result.sourceByteLength / 4);
  assertEquals([result.directory, result.fileCount], [target, 1]);
});

Deno.test("quantize goes on from wherever it was killed", async () => {
  using source = await tinyCheckpoint({
    dtype: "BF16",
    config: {
      "hidden_size": 256,
      "intermediate_size": 512,
      "num_hidden_layers": 4,
    },
  });
  using place = tempDirectory();
  const wanted = `${place.path}/wanted`;
  const options = { ...TINY_GROUPS, isSharded: true, workerCount: 2 };
  await quantizeModel(source.path, wanted, options);
  const target = `${place.path}/target`;
  const flags = [...GROUPS, "--sharded", "--workers", "2", "--json"];
  let killCount = 0;
  // No file yet; the first is being written; it and some layers are there.
  for (const fileCount of [0, 1, 2, 4]) {
    const child = start([source.path, target, ...flags]);
    const { success } = await signalled(child, "SIGKILL", {
      part: `${target}.part`,
      fileCount,
    });
    if (!success) killCount++;
    else await Deno.remove(target, { recursive: true }); // seen too late
  }
  assert(killCount > 0);
  assertEquals((await quantize(source.path, target, ...flags)).code, 0);
  assertSameFiles(target, wanted);
});

Deno.test("quantize stops at Ctrl-C, and says how to go on", async () => {
  using source = await tinyCheckpoint({
    config: { "intermediate_size": 1024, "hidden_size": 256 },
  });
  using place = tempDirectory();
  const target = `${place.path}/target`;
  const flags = [...GROUPS, "--sharded", "--workers", "1"];
  const ctrlC = () =>
    signalled(start([source.path, `${target}/`, ...flags]), "SIGINT", {
      part: `${target}.part`,
      fileCount: 1,
    });
  let stopped = await ctrlC();
  // Where the processor is busy, the signal may come when all is done.
  for (let i = 0; i < 10 && stopped.success; i++) {
    await Deno.remove(target, { recursive: true });
    stopped = await ctrlC();
  }
  assertEquals(
    [stopped.code, new TextDecoder().decode(stopped.stderr)],
    [130, `Stopped; the same command goes on from ${target}.part\n`],
  );
  assertEquals((await quantize(source.path, target, ...flags)).code, 0);
});

Deno.test("quantize says in a sentence what does not go", async () => {
  using source = await tinyCheckpoint();
  using place = tempDirectory();
  const quantized = `${place.path}/quantized`;
  await quantizeModel(source.path, quantized, TINY_GROUPS);
  const { path } = source;
  const cases: [string[], number, string][] = [
    [[path], 2, "quantize has 1 directory, wanted two: <source> <target>"],
    [[path, "b", "c"], 2, "quantize has 3 directories, wanted two"],
    [[path, "x", "--expert-bits", "5"], 2, "--expert-bits is 5, wanted one of"],
    [[path, "x", "--workers", "0"], 2, "--workers is 0, wanted an integer of"],
    [["/nowhere", "x"], 1, "Cannot read /nowhere/config.json: there is no"],
    [
      [path, quantized, ...GROUPS],
      1,
      "it is there already, wanted another name, or forc",
    ],
    [
      [path, path, "--force", ...GROUPS],
      1,
      "is there, wanted another directory",
    ],
    [
      [path, place.path, "--force", ...GROUPS],
      1,
      "what is there has no config.json",
    ],
    [
      [path, `${place.path}/x`],
      1,
      "rows do not divide into groups of 64, wanted a group size that divides",
    ],
    [
      [quantized, `${place.path}/x`, "--expert-bits", "4"],
      1,
      "with 4 bits for the experts: it is already quantized to 2; quantize from the original weights",
    ],
  ];
  for (const [args, wanted, says] of cases) {
    const { code, stdout, stderr } = await quantize(...args);
    assertStringIncludes(stderr, says);
    assert(/^error: [^\n]+\n$/.test(stderr), stderr);
    assertEquals([code, stdout], [wanted, ""]);
  }
  const left = await Array.fromAsync(Deno.readDir(place.path));
  assertEquals(left.map(({ name }) => name), ["quantized"]);
});
