/** `bench`, on the GPU of this machine: what it counts, never how fast it is. */

import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { fromFileUrl } from "@std/path";
import {
  load,
  parseTrace,
  replay,
  type RoutingListener,
  TraceRecorder,
} from "../mod.ts";
import { bench, type BenchOptions } from "../src/engine/bench.ts";
import { BenchModels } from "../src/engine/bench_models.ts";
import { benchPrompts } from "../src/engine/bench_prompts.ts";
import type { BenchRow } from "../src/engine/bench_row.ts";
import { syntheticSource } from "../src/engine/load_synthetic.ts";
import { type ModelSource, openSource } from "../src/engine/model_source.ts";
import { gpuTest, settle } from "./_gpu.ts";
import { shareGpu } from "./_shared_gpu.ts";

shareGpu();

const PROGRAM = fromFileUrl(new URL("../mod.ts", import.meta.url));
const MODEL = fromFileUrl(new URL("../models/stories-17m-q", import.meta.url));

function start(...flags: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", PROGRAM, "bench", ...flags],
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function finish(child: Deno.ChildProcess) {
  const { code, stdout, stderr } = await child.output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

Deno.test("bench --json --profile counts what the engine counts, without what warmed up", async () => {
  const { code, stdout, stderr } = await finish(
    start(
      ...["--slots", "8,3", "--prompt", "5,9", "--tokens", "4"],
      ...["--residency", "gpu,cpu", "--repeat", "2", "--json", "--profile"],
    ),
  );
  assertEquals(code, 0, stderr);
  const { model, adapter, deno, vramGigabytesPerSecond, rows } = JSON.parse(
    stdout,
  );
  assertEquals([model, deno], ["stories-17m-q", Deno.version.deno]);
  assertStringIncludes(stderr, `# stories-17m-q on ${adapter}`);
  assertStringIncludes(stderr, "# 3 of 3 loaded in ");
  assert(vramGigabytesPerSecond > 0);
  assertEquals(
    rows.map((row: BenchRow) =>
      [row.slots[0], row.residency, row.promptTokens, row.tokens].join(" ")
    ),
    ["8  5 4", "8  9 4", "3 gpu 5 4", "3 gpu 9 4", "3 cpu 5 4", "3 cpu 9 4"],
  );
  for (const row of rows) checkRow(row);
  // A table for each row.
  assertEquals(stderr.match(/^decode: 8 tokens;/gm)?.length, 6);
  assertEquals(stderr.match(/^Measured: VRAM [\d.]+ GB\/s\.$/gm)?.length, 2);
});

/** What has to be so, whatever was measured. */
function checkRow(row: BenchRow): void {
  assertEquals([row.attnBits, row.expertBits, row.expertCount], [4, 4, 8]);
  assertEquals(row.slots.length, 6);
  assertEquals(
    row.profile!.phases.map(({ tokenCount }) => tokenCount),
    [2 * row.promptTokens, 2 * row.tokens],
  );
  for (const speed of [row.promptTokensPerSecond, row.tokensPerSecond]) {
    assertEquals(speed.values.length, 2);
    const [a, b] = speed.values as [number, number];
    assertAlmostEquals(speed.mean, (a + b) / 2, 1e-9 * speed.mean);
    assertAlmostEquals(
      speed.deviation!,
      Math.abs(a - b) / Math.SQRT2,
      1e-9 * speed.mean,
    );
  }
  assert(row.waitMsPerToken > 0);
  const { linkMs, vramMs, tokensPerSecond } = row.roofline;
  assertAlmostEquals(
    vramMs,
    row.activeByteLength / row.vramGigabytesPerSecond / 1e6,
    1e-9,
  );
  assertEquals(tokensPerSecond, 1000 / Math.max(linkMs, vramMs));
  assertEquals(row.rooflineShare, row.tokensPerSecond.mean / tokensPerSecond);
  if (row.slots[0] === 8) {
    assertEquals([row.offload, row.hitRate, linkMs], [null, null, 0]);
    return;
  }
  const { layers, tokenCount, byteLengths } = row.offload!;
  assertEquals(tokenCount, 8); // of both repetitions
  let hits = 0;
  let misses = 0;
  for (const layer of layers) {
    assertEquals(layer.hits + layer.misses, 2 * tokenCount); // top 2
    hits += layer.hits;
    misses += layer.misses;
  }
  assert(misses > 0);
  assertEquals(row.hitRate, hits / (hits + misses));
  assertEquals(row.missesPerToken, misses / tokenCount);
  assertEquals(byteLengths.demand, misses * row.expertByteLength);
  assertEquals(byteLengths.prefill, 0);
  assertEquals(row.linkByteLengthPerToken, byteLengths.demand / tokenCount);
  assertAlmostEquals(
    linkMs,
    byteLengths.demand / tokenCount / row.linkGigabytesPerSecond! / 1e6,
    1e-9,
  );
}

Deno.test("bench() runs what Engine.generate() does, and counts what a replay does", async () => {
  using source = await openSource(MODEL);
  const prompt = benchPrompts(source, 7)(0);
  // A prompt and 8 tokens to warm up, then a prompt and the 12 that count.
  const warmUp = new TraceRecorder(source.name, source.config);
  const all = new TraceRecorder(source.name, source.config);
  const record: RoutingListener = (layer, routing) => {
    const isWarmUp = all.tokenCount < prompt.length + 8;
    all.record(layer, routing);
    if (isWarmUp) warmUp.record(layer, routing);
  };
  const rows = await rowsOf(source, {
    slots: [3],
    prefetch: ["off"],
    promptTokens: [prompt.length],
    tokens: 12,
    repeat: 1,
    load: { onRouting: record },
  });
  assertEquals([warmUp.tokenCount, all.tokenCount], [15, 34]);
  const before = replay(parseTrace(warmUp.bytes()), { slots: 3 });
  const after = replay(parseTrace(all.bytes()), { slots: 3 });
  const { layers, tokenCount } = rows[0]!.offload!;
  assertEquals(tokenCount, 12);
  assertEquals(
    layers.map(({ hits, misses }) => [hits, misses]),
    after.layers.map(({ hits, misses }, layer) => [
      hits - before.layers[layer]!.hits,
      misses - before.layers[layer]!.misses,
    ]),
  );
  // The same tokens went through the same layers as in a generation.
  const engineTrace = new TraceRecorder(source.name, source.config);
  using engine = await load(MODEL, {
    onRouting: (layer, routing) => engineTrace.record(layer, routing),
  });
  const options = { temperature: 0, ignoreEos: true, maxTokens: 9 };
  for await (const _ of engine.generate(prompt, options));
  assertEquals(
    parseTrace(engineTrace.bytes()).experts,
    parseTrace(warmUp.bytes()).experts,
  );
  await settle();
});

/** All rows of a benchmark. */
async function rowsOf(
  source: ModelSource,
  options: BenchOptions,
): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for await (const row of bench(source, options)) rows.push(row);
  await settle();
  return rows;
}

Deno.test("bench() goes through the trace of a made-up model, at the hit rate wanted", async () => {
  const rows = await rowsOf(syntheticSource("tiny"), {
    slots: [8, 4],
    hitRates: [0.7],
    promptTokens: [4],
    tokens: 60,
    repeat: 2,
  });
  assertEquals(rows.map((row) => row.slots[0]), [8, 4]);
  // 360 uses of 60 tokens in 3 layers: a standard deviation is about 0.02.
  assertAlmostEquals(rows[1]!.hitRate!, 0.7, 0.1);
});

Deno.test("BenchModels keeps a host store as long as it fits", async () => {
  using models = await BenchModels.open(syntheticSource("tiny"));
  const buffersOf = async (slots: number, expertBits: 2 | 4) => {
    using model = await models.load({ slots, expertBits });
    assertEquals(model.expertBits, expertBits);
    assertEquals(model.linkGigabytesPerSecond === null, slots === 8);
    return model.offload?.store.buffers[0];
  };
  const first = await buffersOf(3, 2);
  assert(first instanceof GPUBuffer);
  assertEquals(await buffersOf(8, 2), undefined);
  assert(await buffersOf(4, 2) === first);
  assert(await buffersOf(4, 4) !== first);
  await settle();
});

gpuTest(
  "GpuMemory.scope() destroys what was made in it, and in scopes within",
  async ({ gpu }) => {
    const kept = gpu.storageBuffer("kept", 16);
    const scope = gpu.memory.scope();
    const inside = gpu.storageBuffer("inside", 16);
    const within = gpu.memory.scope();
    const leftToScope = gpu.storageBuffer("left to the scope", 16);
    within.keep();
    within[Symbol.dispose](); // no more
    const early = gpu.memory.scope();
    const gone = gpu.storageBuffer("gone", 16);
    early[Symbol.dispose]();
    const isThere = async (buffer: GPUBuffer) => {
      gpu.device.pushErrorScope("validation");
      const commands = gpu.device.createCommandEncoder();
      commands.clearBuffer(buffer);
      gpu.device.queue.submit([commands.finish()]);
      return await gpu.device.popErrorScope() === null;
    };
    assertEquals(
      await Promise.all([inside, leftToScope, gone].map(isThere)),
      [true, true, false],
    );
    scope[Symbol.dispose]();
    const after = gpu.storageBuffer("after", 16);
    assertEquals(
      await Promise.all([kept, inside, leftToScope, after].map(isThere)),
      [true, false, false, true],
    );
  },
);

Deno.test("bench() says in a sentence what it cannot run", async () => {
  using source = syntheticSource("tiny");
  for (
    const [options, message] of [
      [
        { promptTokens: [4, 1000], tokens: 100 },
        "Cannot bench a prompt of 1000 tokens and 100 after it: the context holds 1024, wanted 1100 or more",
      ],
      [
        { slots: [1], tokens: 1 },
        "Cannot plan: layer 0 gets 1 slot, wanted 2 (top-k) to 8",
      ],
      [
        { slots: [4], hitRates: [0.01], tokens: 1 },
        "Cannot make up routing with a hit rate of 0.01",
      ],
    ] as const
  ) {
    await assertRejects(
      () => bench(source, options).next(),
      RangeError,
      message,
    );
  }
  await settle();
});

Deno.test("bench prints what was measured before Ctrl-C, or before it fails", async () => {
  const failed = await finish(
    start(
      ...["--synthetic", "tiny", "--slots", "8,1", "--tokens", "2"],
      ...["--prompt", "2", "--repeat", "1", "--quiet"],
    ),
  );
  assertEquals(failed.code, 1);
  assertMatch(failed.stdout, /^4-bit attention, [^]*\n\s*8 of 8 [^]*\nlink ms/);
  assertMatch(failed.stderr, /^error: Cannot plan: layer 0 gets 1 slot.*\n$/);

  const child = start("--synthetic", "tiny", "--slots", "8,4", "--tokens", "2");
  const [stderr, ...rest] = child.stderr.tee();
  const lines = stderr.pipeThrough(new TextDecoderStream()).getReader();
  for (let seen = ""; !seen.includes("8 of 8 slots");) {
    const { value, done } = await lines.read();
    assert(!done, seen);
    seen += value;
  }
  child.kill("SIGINT");
  await Promise.all(rest.map((stream) => new Response(stream).text()));
  const stdout = await new Response(child.stdout).text();
  assertEquals((await child.status).code, 130);
  assertMatch(stdout, /^4-bit attention, [^]*\n\s*8 of 8 [^]*\nlink ms/);
});
