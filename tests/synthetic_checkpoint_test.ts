/** Checkpoints that are made up hold what a model made up in memory does. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Engine, load, loadSynthetic } from "../mod.ts";
import { Checkpoint } from "../src/io/checkpoint.ts";
import { readJson } from "../src/io/json_file.ts";
import type { ModelConfig } from "../src/model/config.ts";
import { offloadingTensors } from "../src/model/offloading_tensors.ts";
import { readStoredLayout } from "../src/model/read_stored_layout.ts";
import { SyntheticReader } from "../src/model/synthetic_reader.ts";
import { syntheticConfig } from "../src/model/synthetic_shapes.ts";
import {
  SYNTHETIC_PARTS,
  SyntheticWeights,
} from "../src/model/synthetic_weights.ts";
import {
  GROUP_SIZES,
  type Part,
  type Quantization,
} from "../src/model/quantization.ts";
import { type MatrixReader, WeightReader } from "../src/model/weight_reader.ts";
import { writeSynthetic } from "../src/model/write_synthetic.ts";
import { settle } from "./_gpu.ts";
import { STORIES, tempDirectory } from "./_tiny_checkpoint.ts";

const CONFIG = syntheticConfig("tiny", {
  "num_hidden_layers": 2,
  "num_local_experts": 4,
  "vocab_size": 40,
});

/** Every matrix of a model, laid out, and every vector. */
async function readAll(
  reader: MatrixReader,
  config: ModelConfig,
): Promise<Map<string, Uint8Array>> {
  const all = new Map<string, Uint8Array>();
  const tensors = offloadingTensors(config, SYNTHETIC_PARTS);
  const shapes = new Map<string, [number, number]>();
  for (const { of } of tensors) {
    if (of) shapes.set(of.base, [matrixRows(of.base, config), of.K]);
  }
  for (const [base, shape] of shapes) {
    const part: Part = base.includes("experts") ? "experts" : "attn";
    const layout = reader.layout(base, shape, part);
    const bytes = new Uint8Array(layout.wordCount * 4);
    await reader.write(base, layout, bytes);
    all.set(base, bytes);
  }
  for (const { name, shape, of } of tensors) {
    if (of !== null) continue;
    if (/embed|lm_head/.test(name)) {
      const layout = reader.floatLayout(name, [shape[0]!, shape[1]!]);
      const bytes = new Uint8Array(layout.wordCount * 4);
      await reader.write(name.replace(/\.weight$/, ""), layout, bytes);
      all.set(name, bytes);
    } else {
      const floats = await reader.readFloats(name, shape);
      all.set(name, new Uint8Array(floats.buffer));
    }
  }
  return all;
}

async function namesIn(directory: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(directory));
  return entries.map(({ name }) => name).sort();
}

function matrixRows(base: string, config: ModelConfig): number {
  if (/[kv]_proj$/.test(base)) {
    return config.numKeyValueHeads * config.headDim;
  }
  if (/q_proj$/.test(base)) return config.numAttentionHeads * config.headDim;
  return /w[13]$/.test(base) ? config.intermediateSize : config.hiddenSize;
}

for (const bits of [2, 3, 4] as const) {
  Deno.test(`writeSynthetic() writes what SyntheticReader gives, with ${bits}-bit experts`, async () => {
    using directory = tempDirectory();
    const path = `${directory.path}/model`;
    const parts: Record<Part, Quantization> = {
      ...SYNTHETIC_PARTS,
      experts: { bits, ...GROUP_SIZES[bits] },
    };
    const options = { seed: 7, routing: "random" } as const;
    const weights = new SyntheticWeights(CONFIG, options);
    await writeSynthetic(path, { weights, parts });
    using checkpoint = await Checkpoint.open(path);
    const layout = await readStoredLayout(checkpoint, CONFIG, {
      declared: null,
      published: await readJson(`${path}/quantization_config.json`),
    });
    assertEquals(layout.experts, { ...parts.experts, packing: "block" });
    const stored = await readAll(
      new WeightReader(checkpoint, { stored: layout, wanted: {} }),
      CONFIG,
    );
    const inMemory = (seed: number) => {
      const weights = new SyntheticWeights(CONFIG, { ...options, seed });
      return readAll(new SyntheticReader(weights, parts), CONFIG);
    };
    assertEquals(stored, await inMemory(7));
    // No matrix is another's, or that of another seed.
    const contents = [...stored.values(), ...(await inMemory(8)).values()]
      .map((bytes) => bytes.toHex());
    // All norms are alike: 5; routers are the same with every seed: 2.
    assertEquals(new Set(contents).size, contents.length - 2 * 5 - 2 + 1);
  });
}

Deno.test("writeSynthetic() writes the files of mixtral-offloading's demo", async () => {
  using directory = tempDirectory();
  for (const names of ["relative", "absolute"] as const) {
    const path = `${directory.path}/${names}`;
    const progress: string[] = [];
    const written = await writeSynthetic(path, {
      weights: new SyntheticWeights(CONFIG),
      parts: SYNTHETIC_PARTS,
      names,
      copies: [`${STORIES}/tokenizer.json`],
      onProgress: ({ what, done, total }) =>
        progress.push(`${what} ${done} of ${total}`),
    });
    const files = await namesIn(path);
    assertEquals(files.length, 13);
    assertEquals(files.slice(0, 2), [
      "config.json",
      "model-00001-of-00009.safetensors",
    ]);
    assertEquals(files.slice(-3), [
      "model.safetensors.index.json",
      "quantization_config.json",
      "tokenizer.json",
    ]);
    assertEquals(progress.at(-1), "writing 9 of 9");
    const index = JSON.parse(
      await Deno.readTextFile(`${path}/model.safetensors.index.json`),
    );
    assertEquals(index.metadata.total_size, written.byteLength);
    using checkpoint = await Checkpoint.open(path);
    const infos = checkpoint.names().map((name) => checkpoint.info(name));
    assertEquals(infos.length, written.tensorCount);
    const sum = infos.reduce((sum, { begin, end }) => sum + end - begin, 0);
    assertEquals(sum, written.byteLength);
    const expert = "model.layers.1.block_sparse_moe.experts.3";
    const file = `${path}/model-00009-of-00009.safetensors`;
    const start = new TextDecoder().decode(
      (await Deno.readFile(file)).subarray(8, 400),
    );
    const wanted = names === "relative" ? "w1.W_q" : `${expert}.w1.W_q`;
    assert(start.includes(`,"${wanted}":`), start);
    // Published scales are full of this subnormal, and have none below it.
    for (const base of [`${expert}.w2`, "model.layers.0.self_attn.q_proj"]) {
      const bytes = await checkpoint.read(`${base}.meta.meta_scale.scale`);
      assertEquals(Math.min(...new Uint16Array(bytes.buffer)), 0x0347);
    }
  }
});

Deno.test("load() runs what writeSynthetic() writes as loadSynthetic() does", async () => {
  using directory = tempDirectory();
  const path = `${directory.path}/model`;
  const seed = 11;
  await writeSynthetic(path, {
    weights: new SyntheticWeights(CONFIG, { seed }),
    parts: SYNTHETIC_PARTS,
  });
  const ids = [3, 30, 5, 6, 7];
  const logits: Float32Array[] = [];
  const run = async (opening: Promise<Engine>) => {
    try {
      using engine = await opening;
      logits.push(await engine.logits(ids));
    } finally {
      await settle();
    }
  };
  await run(load(path));
  await run(loadSynthetic(CONFIG, { seed, slots: 2 }));
  assertEquals(logits[0], logits[1]);
  // The most probable token is always the next.
  const best = ids.map((_, row) => {
    const rows = [...logits[0]!.subarray(row * 40, (row + 1) * 40)];
    return rows.indexOf(Math.max(...rows));
  });
  assertEquals(best, ids.map((id) => id + 1));
});

Deno.test("writeSynthetic() leaves nothing behind when it fails", async () => {
  using directory = tempDirectory();
  const weights = new SyntheticWeights(CONFIG);
  const path = `${directory.path}/model`;
  const write = (path: string, signal?: AbortSignal) =>
    writeSynthetic(path, { weights, parts: SYNTHETIC_PARTS, signal });
  const controller = new AbortController();
  await assertRejects(
    () =>
      writeSynthetic(path, {
        weights,
        parts: SYNTHETIC_PARTS,
        signal: controller.signal,
        onProgress: () => controller.abort(new Error("Cannot go on: enough")),
      }),
    Error,
    "Cannot go on: enough",
  );
  await assertRejects(
    () => write(directory.path),
    Error,
    `Cannot write ${directory.path}: it is there already, wanted the name of a new directory`,
  );
  await Deno.writeTextFile(path, "a file");
  await assertRejects(
    () => write(`${path}/deep`),
    Error,
    `Cannot write ${path}/deep: `,
  );
  assertEquals(await namesIn(directory.path), ["model"]);
});

Deno.test("make_synthetic.ts writes a model, or says why not", async () => {
  using directory = tempDirectory();
  const path = `${directory.path}/model`;
  const run = async (...args: string[]) => {
    const script = new URL("../scripts/make_synthetic.ts", import.meta.url);
    const output = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", script.pathname, ...args],
      env: { NO_COLOR: "1" },
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return {
      code: output.code,
      out: text(output.stdout),
      err: text(output.stderr).replace(/^(Check|Download) .*\n/gm, ""),
    };
  };
  const shape = ["--shape", "tiny", "--layers", "2", "--vocab", "50"];
  const rate = ["--hit-rate", "0.8", "--slots", "4", "--expert-bits", "4"];
  const { code, out, err } = await run(path, ...shape, ...rate);
  assertEquals([code, err], [0, ""]);
  const pattern = /: (\d+) bytes, 401 names, 17 files in \d+\.\d s/;
  assert(pattern.test(out), out);
  using checkpoint = await Checkpoint.open(path);
  assertEquals(checkpoint.info("lm_head.weight").shape, [50, 128]);
  const cases: [string[], string][] = [
    [[path], `Cannot write ${path}: it is there already`],
    [[], "There are 0 directories, wanted one"],
    [["a", "--hit-rate", "0.8"], "--hit-rate and --slots go together"],
    [["a", "--layers", "1000"], "Cannot make up a model of 1000 layers"],
    [["a", "--trace", "/none"], "Cannot read /none: there is no such file"],
  ];
  for (const [args, message] of cases) {
    const { code, out, err } = await run(...args);
    assertEquals([code, out], [1, ""]);
    assert(err.startsWith(`error: ${message}`), err);
  }
});
