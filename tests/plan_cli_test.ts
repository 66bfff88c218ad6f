/** `moeno plan` as a process: what it prints, and how little it takes. */

import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertStringIncludes,
} from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { expertsAt, type RoutingTrace } from "../src/offload/routing_trace.ts";
import { syntheticTrace } from "../src/offload/synthetic_trace.ts";
import { TraceWriter } from "../src/offload/trace_writer.ts";
import { moeno, start } from "./_program.ts";

const STORIES = fromFileUrl(new URL("../models/stories-17m", import.meta.url));

/** Lends a folder, which is also the program's home. */
async function withFolder(
  fn: (folder: string, env: Record<string, string>) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "moeno-plan-" });
  try {
    await fn(folder, { MOENO_HOME: folder, MOENO_TUNING: "off" });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A checkpoint of Mixtral-8x7B's size, all of it holes. */
async function writeHoles(directory: string): Promise<number> {
  const [hidden, inner, vocab] = [4096, 14336, 32000];
  const shapes: Record<string, number[]> = {
    "model.embed_tokens.weight": [vocab, hidden],
    "lm_head.weight": [vocab, hidden],
    "model.norm.weight": [hidden],
  };
  for (let layer = 0; layer < 32; layer++) {
    const name = `model.layers.${layer}`;
    for (
      const [proj, rows] of [["q", 4096], ["k", 1024], ["v", 1024], ["o", 4096]]
    ) {
      shapes[`${name}.self_attn.${proj}_proj.weight`] = [
        rows as number,
        hidden,
      ];
    }
    shapes[`${name}.input_layernorm.weight`] = [hidden];
    shapes[`${name}.post_attention_layernorm.weight`] = [hidden];
    shapes[`${name}.block_sparse_moe.gate.weight`] = [8, hidden];
    for (let expert = 0; expert < 8; expert++) {
      const base = `${name}.block_sparse_moe.experts.${expert}`;
      shapes[`${base}.w1.weight`] = [inner, hidden];
      shapes[`${base}.w3.weight`] = [inner, hidden];
      shapes[`${base}.w2.weight`] = [hidden, inner];
    }
  }
  let at = 0;
  const header = JSON.stringify(Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const byteLength = 2 * shape.reduce((product, n) => product * n, 1);
      const offsets = [at, at += byteLength];
      return [name, { dtype: "BF16", shape, data_offsets: offsets }];
    }),
  ));
  const text = new TextEncoder().encode(header);
  const path = `${directory}/model.safetensors`;
  using file = await Deno.create(path);
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(text.length), true);
  await file.write(length);
  await file.write(text);
  await file.truncate(8 + text.length + at);
  await Deno.writeTextFile(
    `${directory}/config.json`,
    JSON.stringify({ "model_type": "mixtral" }),
  );
  for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
    await Deno.copyFile(join(STORIES, name), join(directory, name));
  }
  return at;
}

Deno.test("plan says what goes where, what to expect, and what would help", () =>
  withFolder(async (folder, env) => {
    const trace = syntheticTrace({
      layerCount: 6,
      expertCount: 8,
      topK: 2,
      tokenCount: 100,
      locality: 0.6,
      guessCount: 0,
      seed: 5,
    });
    const path = join(folder, "routing.trace");
    await Deno.writeFile(path, bytesOf(trace));
    const { code, stdout, stderr } = await moeno(
      ["plan", "--slots", "3", "--trace-file", path],
      { env },
    );
    assertEquals(code, 0, stderr);
    for (
      const part of [
        "stories-17m-q (4-bit attention, 4-bit experts, context 512) on ",
        "slots  3 in layers 0-5\n",
        "- Slots: 18, as asked for\n",
        "tok/s to be expected",
        "100 tokens of a trace of synthetic, seed 5, replayed with lru\n",
        "With other numbers of slots (misses and MB of a token)\n",
        "limit tok/s",
        "The same plan with other hit rates\n",
        "Flags that would help\n",
      ]
    ) assertStringIncludes(stdout, part);
    const rows = stdout.match(/^ *[2-8] of 8 .*$/gm)!;
    assertEquals(rows.length, 7, stdout);
    const long = stdout.split("\n").filter(({ length }) => length > 80);
    assertEquals(long, []);
    assert(/^3 of 8.*as planned +0\.\d{3}/.test(rows[1]!), rows[1]);
    assertStringIncludes(stderr, "# measuring VRAM\n");
    assertStringIncludes(
      stderr,
      "# measuring layers that miss experts (pinned)",
    );
  }));

/** A trace as a file holds it. */
function bytesOf(trace: RoutingTrace): Uint8Array {
  const writer = new TraceWriter(trace);
  writer.addTokens(trace.tokenCount, "decode");
  for (let token = 0; token < trace.tokenCount; token++) {
    for (let layer = 0; layer < trace.layerCount; layer++) {
      const experts = expertsAt(trace, { token, layer });
      writer.record({ token, layer, experts, weights: experts.map(() => 0.5) });
    }
  }
  return writer.take();
}

Deno.test("plan --json of 93 GB comes without reading them, with every number", () =>
  withFolder(async (folder, env) => {
    const byteLength = await writeHoles(folder);
    assert(byteLength > 90e9);
    const args = ["plan", "--model", folder, "--no-measure", "--json"]
      .concat("--expert-bits", "3", "--attn-bits", "4", "--hit-rate", "0.5");
    const { code, stdout, stderr } = await moeno(args, { env });
    assertEquals([code, stderr], [0, ""]);
    const result = JSON.parse(stdout);
    assertEquals([result.attnBits, result.expertBits], [4, 3]);
    assertEquals(result.plan.slots.length, 32);
    assertEquals(result.costs, null);
    assertEquals(result.expected.tokensPerSecond, null);
    // Layers with two slots and with three, 0.5 with what they have on average.
    assertAlmostEquals(result.expected.hitRate, 0.5, 0.01);
    assertEquals(
      result.placements.map(({ slots }: { slots: number }) => slots),
      [2, 3, 4, 5, 6, 7, 8],
    );
    const flags = result.changes.map(({ flags }: { flags: string }) => flags);
    for (const flag of ["--expert-bits 2", "--context 2048"]) {
      assert(flags.includes(flag), flags.join());
    }
    const counts = result.changes
      .map(({ slotCount }: { slotCount: number }) => slotCount);
    assertEquals(counts, counts.toSorted((a: number, b: number) => b - a));
    assert(counts.at(-1) > result.plan.slotCount);
  }));

Deno.test("plan says in a sentence what does not go", () =>
  withFolder(async (folder, env) => {
    await Deno.writeTextFile(join(folder, "no.trace"), "no trace");
    const cases: [string[], number, string][] = [
      [["x"], 2, 'plan takes no argument, received "x"'],
      [["--hit-rate", "2"], 2, "--hit-rate is 2, wanted a number from 0 to 1"],
      [["--json", "--markdown"], 2, "--json does not go with --markdown"],
      [["--model", "/nowhere"], 1, "Cannot read /nowhere/config.json"],
      [
        ["--trace-file", join(folder, "no.trace")],
        1,
        "no.trace: ",
      ],
      [["--vram", "5MiB"], 1, "wanted 17."],
    ];
    for (const [args, wanted, says] of cases) {
      const { code, stdout, stderr } = await moeno(["plan", ...args], { env });
      assertStringIncludes(stderr, says);
      assert(/^error: [^\n]+\n$/.test(stderr), stderr);
      assertEquals([code, stdout], [wanted, ""]);
    }
  }));

Deno.test("plan stops at Ctrl-C", () =>
  withFolder(async (_, env) => {
    const child = start(["plan", "--slots", "3"], { env });
    await child.stdin.close();
    const reader = child.stderr.pipeThrough(new TextDecoderStream())
      .getReader();
    let seen = "";
    while (!seen.includes("# measuring")) {
      const { value, done } = await reader.read();
      if (done) break;
      seen += value;
    }
    child.kill("SIGINT");
    reader.releaseLock();
    const [{ code }, stdout] = await Promise.all([
      child.status,
      new Response(child.stdout).text(),
    ]);
    await child.stderr.cancel().catch(() => {});
    assertEquals([code, stdout], [130, ""]);
  }));
