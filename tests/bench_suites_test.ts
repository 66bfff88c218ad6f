/** Suites of `bench/`: what they cover, and what they print. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { ATTENTION_CASES } from "../bench/_attention_cases.ts";
import { DECODE_CASES } from "../bench/_decode_cases.ts";
import { type LabShape, makeLab } from "../bench/_lab.ts";
import { OFFLOAD_CASES } from "../bench/_offload_cases.ts";
import { PREFILL_CASES } from "../bench/_prefill_cases.ts";
import { reportOf } from "../bench/_report.ts";
import { SMALL_CASES } from "../bench/_small_cases.ts";
import { Timer } from "../bench/_time.ts";
import { Gpu } from "../src/gpu/device.ts";
import { syntheticConfig } from "../src/model/synthetic_shapes.ts";
import type { Op } from "../src/ops/op.ts";
import { makeStepBuffers } from "../src/ops/step.ts";
import { gpuTest, recordKernels, settle, SUMMING } from "./_gpu.ts";

const KERNELS = fromFileUrl(new URL("../kernels", import.meta.url));
const BENCH = fromFileUrl(new URL("../bench", import.meta.url));

const CASES = [
  ...DECODE_CASES,
  ...PREFILL_CASES,
  ...ATTENTION_CASES,
  ...SMALL_CASES,
  ...OFFLOAD_CASES,
];

/** Small, but strips read its matrices, k and v too, and its heads fit subgroups of 8. */
const SHAPE: LabShape = {
  config: syntheticConfig("tiny", {
    "hidden_size": 512,
    "intermediate_size": 512,
    "head_dim": 32,
  }),
  schemes: {
    attention: { bits: 4, groupSize: 64, scaleGroupSize: 32 },
    experts: { bits: 2, groupSize: 16, scaleGroupSize: 128 },
  },
  tokenLimit: 64,
};

Deno.test("every kernel that a model can use is in a suite", async () => {
  const compiled = new Set<string>();
  // As a CPU takes them, as a GPU does, and as one does that lacks subgroups.
  for (const { options } of SUMMING) {
    using gpu = await Gpu.open(options);
    using names = recordKernels(gpu);
    gpu.device.pushErrorScope("validation");
    const lab = makeLab(gpu, SHAPE);
    for (const { name, make } of CASES) {
      using _buffers = gpu.memory.scope();
      const made = await make(lab);
      for (const buffer of made?.owned ?? []) buffer.destroy();
      assert(made === null || made.ops.length > 0, name);
    }
    const error = await gpu.device.popErrorScope();
    assertEquals(error?.message, undefined);
    for (const name of names) compiled.add(name);
  }
  await settle();
  const files = [KERNELS, `${KERNELS}/lib`].flatMap((folder) =>
    [...Deno.readDirSync(folder)]
      .filter(({ name }) => name.endsWith(".wgsl"))
      .map(({ name }) => folder === KERNELS ? name : `lib/${name}`)
  );
  assertEquals(files.filter((name) => !compiled.has(name)).sort(), []);
});

Deno.test("names of cases are unique", () => {
  const names = CASES.map(({ name }) => name);
  assertEquals(names.length, new Set(names).size);
});

gpuTest(
  "Timer tells ops how many tokens there are, and where",
  async ({ gpu }) => {
    using timer = await Timer.create(gpu, makeStepBuffers(gpu, 2));
    const heard: (number | undefined)[][] = [];
    const op: Op = {
      name: "listener",
      encode: (_, tokenCount, position) =>
        void heard.push([tokenCount, position]),
    };
    await timer.pass({ ops: [op], tokenCount: 2, position: 700 }, 2);
    assertEquals(heard, [[2, 700], [2, 700]]);
  },
);

Deno.test("reportOf() sets times against what the device does at most", () => {
  const peaks = { gigabytesPerSecond: 3000, gigaflopsPerSecond: 60_000 };
  const rows = [
    { name: "a product", us: 10, byteLength: 15e6, flops: 0 },
    { name: "prefill", us: 12_345, byteLength: 3e6, flops: 370.35e9 },
    { name: "latency", us: 4.25, byteLength: 0, flops: 0 },
  ];
  assertEquals(
    reportOf("decode on a GPU", rows, peaks),
    [
      "decode on a GPU",
      "VRAM 3000 GB/s, float32 60000 GFLOP/s at most",
      "",
      "what          us   GB/s  % VRAM  GFLOP/s  % float32",
      "a product   10.0   1500      50",
      "prefill    12345  0.243       0    30000         50",
      "latency      4.3",
      "",
    ].join("\n"),
  );
});

Deno.test("a suite prints its table under deno run and under deno bench", async () => {
  const file = `${BENCH}/small_bench.ts`;
  for (
    const args of [
      ["run", "-A", file, "--filter", "argmax"],
      ["bench", "-A", "--filter", "argmax", file],
    ]
  ) {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args,
      env: { NO_COLOR: "1" },
    }).output();
    const text = new TextDecoder().decode(stdout);
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    assertStringIncludes(text, "small ops on ");
    assert(/^argmax +[\d.]+ +[\d.]+ +\d+$/m.test(text), text);
    assert(!text.includes("\nrouter "), text);
  }
});
