import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { planPlacement } from "../offload/placement.ts";
import { parseTrace } from "../offload/routing_trace.ts";
import { OffloadStats } from "../offload/offload_stats.ts";
import { fakeEngine, type FakeProcess, fakeProcess } from "./_fake_engine.ts";
import { main } from "./main.ts";

async function run(
  args: string[],
  process: FakeProcess = fakeProcess(fakeEngine()),
) {
  const code = await main(["generate", "a", ...args], process);
  const { stdout, stderr, opened } = process;
  return { code, stdout, stderr, options: opened[0]?.options };
}

/** A directory that goes away. */
function tempDirectory(): Disposable & { path: string } {
  const path = Deno.makeTempDirSync({ prefix: "moeno-cli-" });
  return {
    path,
    [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }),
  };
}

/** A process whose engine routes a token each time that it runs one. */
function routingProcess(onToken?: () => void): FakeProcess {
  const engine = fakeEngine({
    onToken: () => {
      process.opened[0]!.options.onRouting?.(0, {
        ids: Uint32Array.of(3, 1),
        weights: Float32Array.of(0.75, 0.25),
        guess: new Uint32Array(0),
      });
      onToken?.();
    },
  });
  const process = fakeProcess(engine);
  return process;
}

Deno.test("main() hands the flags of offloading to the engine", async () => {
  const { options } = await run([
    ...["--slots", "4,2", "--offload-per-layer", "0", "--buffer-size", "6"],
    ...["--policy", "class-lru", "--store", "array-buffer"],
    ...["--prefetch", "next-layer", "--prefetch-experts", "3"],
    ...["--residency", "cpu"],
    ...["--vram", "12GiB", "--ram", "24G"],
  ]);
  const { onProgress: _, onTuning: __, onNotice: ___, ...rest } = options!;
  assertEquals(rest, {
    slots: [4, 2],
    offloadPerLayer: 0,
    bufferSize: 6,
    policy: "class-lru",
    store: "array-buffer",
    prefetch: "next-layer",
    prefetchExperts: 3,
    residency: "cpu",
    vramByteLength: 12 * 2 ** 30,
    ramByteLength: 24 * 2 ** 30,
  });
});

Deno.test("main() says which value of offloading is wrong", async () => {
  const cases: [string[], string][] = [
    [["--trace-ahead", "2"], "--trace-ahead needs --trace, which records gu"],
    [["--trace-ahead", "2,x"], '--trace-ahead is "2,x", wanted how many lay'],
    [["--slots", "many"], '--slots is "many", wanted auto, a number such as 5'],
    [["--slots", "2,"], '--slots is "2,", wanted auto'],
    [["--slots", "@"], '--slots is "@", wanted auto'],
    [["--slots", "/tmp"], '--slots is "/tmp", wanted auto'],
    [
      ["--vram", "lots"],
      '--vram is "lots", wanted an amount of memory like 12',
    ],
    [["--ram", "-1G"], '--ram is "-1G", wanted an amount of memory'],
    [["--policy", "foo"], '--policy is "foo", wanted one of lru, lfu, class-l'],
    [["--store", "tape"], '--store is "tape", wanted one of auto, pinned, arr'],
    [["--prefetch", "on"], '--prefetch is "on", wanted one of off, next-layer'],
    [
      ["--residency", "me"],
      '--residency is "me", wanted one of auto, gpu, cpu',
    ],
    [["--prefetch-experts", "0"], "--prefetch-experts is 0, wanted an integer"],
    [["--offload-per-layer", "-1"], "--offload-per-layer is -1, wanted an int"],
    [["--buffer-size", "x"], '--buffer-size is "x", wanted an integer'],
    [["--trace"], "--trace has no value, wanted <path>"],
  ];
  for (const [args, message] of cases) {
    const { code, stdout, stderr, options } = await run(args);
    assertEquals([code, stdout, options], [2, "", undefined]);
    assertStringIncludes(stderr, message);
    assert(/^error: .*\n$/.test(stderr), stderr);
  }
});

Deno.test("main() reads slots from a file", async () => {
  using directory = tempDirectory();
  const path = `${directory.path}/slots`;
  await Deno.writeTextFile(path, "# 4 layers, 9 # 9\n4\n2, 3#9\r\n2 # 9\n");
  for (const value of [path, `@${path}`]) {
    const { options } = await run(["--slots", value]);
    assertEquals(options!.slots, [4, 2, 3, 2]);
  }
  const cases: [string, string][] = [
    ["# none", "it is empty, wanted one for each layer"],
    ["2\nauto", '"auto" is no number, wanted one for each layer'],
    ["2 -1", '"-1" is no number'],
  ];
  for (const [text, message] of cases) {
    await Deno.writeTextFile(path, text);
    const { code, stderr } = await run(["--slots", path]);
    assertEquals(code, 1);
    assertStringIncludes(stderr, `error: Cannot read slots from ${path}: `);
    assertStringIncludes(stderr, message);
  }
  const { code, stderr } = await run(["--slots", `@${path}.none`]);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "there is no such file");
});

Deno.test("main() shows the plan when asked, or verbose", async () => {
  const plan = planPlacement({
    layerCount: 2,
    expertCount: 4,
    topK: 2,
    expertByteLength: 1024,
    trunkByteLength: 1024,
    kvByteLength: 1024,
    scratchByteLength: 1024,
  }, {
    slots: 2,
    adapter: {
      maxBufferSize: 2 ** 28,
      maxStorageBufferBindingSize: 2 ** 28,
      maxStorageBuffersPerShaderStage: 8,
      pinnedByteLength: 0,
    },
  });
  for (const flags of [[], ["--plan"], ["--verbose"], ["--plan", "--quiet"]]) {
    const process = fakeProcess(fakeEngine());
    const { open } = process;
    process.open = (directory, options) => {
      options.onPlan?.(plan);
      return open(directory, options);
    };
    const { stdout, stderr } = await run(flags, process);
    assertEquals(stdout, "!\n");
    assertEquals(stderr.includes("slots  2 in layers 0-1"), flags.length > 0);
  }
});

Deno.test("generate --json reports what offloading did", async () => {
  const stats = new OffloadStats(1);
  stats.countUses(0, { hits: 3, misses: 1 });
  const process = fakeProcess(fakeEngine({ offload: stats.snapshot() }));
  const { stdout, stderr } = await run(["--json"], process);
  const { offload } = JSON.parse(stdout);
  assertEquals([offload.hitRate, offload.layers[0].misses], [0.75, 1]);
  assertStringIncludes(stderr, "; hit rate 0.75\n");
});

Deno.test("main() writes a trace when the text ends", async () => {
  using directory = tempDirectory();
  const path = `${directory.path}/a.trace`;
  const { code, stderr } = await run(["--trace", path], routingProcess());
  assertEquals(code, 0);
  // The prompt, and the one token of the text.
  assertStringIncludes(stderr, `# ${path}: routing of 2 tokens\n`);
  const trace = parseTrace(await Deno.readFile(path));
  assertEquals([trace.model, trace.expertCount], ["fake", 4]);
  assertEquals([...trace.experts], [3, 1, 3, 1]);
  assertEquals((await Array.fromAsync(Deno.readDir(directory.path))).length, 1);
});

Deno.test("main() writes a trace at Ctrl-C and after a failure", async () => {
  using directory = tempDirectory();
  const path = `${directory.path}/a.trace`;
  const interrupted = routingProcess(() => interrupted.interrupt());
  const { code } = await run(["--trace", path, "--quiet"], interrupted);
  assertEquals([code, interrupted.stderr], [130, ""]);
  assertEquals(parseTrace(await Deno.readFile(path)).tokenCount, 1);
  let tokenCount = 0;
  const failing = routingProcess(() => {
    if (++tokenCount === 2) throw new Error("Cannot go on: it is late");
  });
  const failed = await run(["--trace", path], failing);
  assertEquals(failed.code, 1);
  assertStringIncludes(failed.stderr, "error: Cannot go on: it is late\n");
  assertEquals(parseTrace(await Deno.readFile(path)).tokenCount, 2);
});

Deno.test("main() leaves an older trace alone if there is nothing to write", async () => {
  using directory = tempDirectory();
  const path = `${directory.path}/a.trace`;
  await Deno.writeTextFile(path, "older");
  const { code } = await run(["--trace", path], fakeProcess());
  assertEquals([code, await Deno.readTextFile(path)], [1, "older"]);
});

Deno.test("main() says what is done otherwise than planned, unless it is to be quiet", async () => {
  const notice = "The GPU refused the memory for 8 experts: 4 are on it now";
  for (const args of [[], ["--quiet"]]) {
    const process = fakeProcess(fakeEngine({
      onToken: () => process.opened[0]!.options.onNotice?.(notice),
    }));
    const { stderr } = await run(["--max-tokens", "0", ...args], process);
    assertEquals(stderr.startsWith(`${notice}\n`), args.length === 0, stderr);
  }
});

Deno.test("main() says why a trace cannot be written", async () => {
  using directory = tempDirectory();
  const { path } = directory;
  const early: [string, string][] = [
    [path, "it is a directory, wanted the path of a file"],
    [`${path}/none/a.trace`, "there is no such directory"],
  ];
  for (const [file, message] of early) {
    const { code, stderr, options } = await run(["--trace", file]);
    assertEquals([code, options], [1, undefined]);
    assertEquals(
      stderr,
      `error: Cannot write the trace to ${file}: ${message}\n`,
    );
  }
  // The directory goes away while the model runs; the text is there anyway.
  const inner = `${path}/inner`;
  await Deno.mkdir(inner);
  const process = routingProcess(() => Deno.removeSync(inner));
  const late = await run(
    ["--trace", `${inner}/a`, "--max-tokens", "0"],
    process,
  );
  assertEquals([late.code, late.stdout], [1, "\n"]);
  assertStringIncludes(
    late.stderr,
    `error: Cannot write the trace to ${inner}/a`,
  );
  // Whatever else failed is what matters.
  await Deno.mkdir(inner);
  const twice = routingProcess(() => {
    Deno.removeSync(inner);
    throw new Error("Cannot go on: it is late");
  });
  const both = await run(["--trace", `${inner}/a`], twice);
  assertEquals([both.code, both.stderr], [
    1,
    "error: Cannot go on: it is late\n",
  ]);
});
