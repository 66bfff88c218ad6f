/** Profiles: each dispatch is timed under a name, and texts do not change. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { load, type OffloadReport, offloadReport } from "../mod.ts";
import { loadModel } from "../src/engine/load_model.ts";
import type { LoadOptions } from "../src/engine/load_options.ts";
import { openSource } from "../src/engine/model_source.ts";
import { Gpu } from "../src/gpu/device.ts";
import type { ProfileReport } from "../src/engine/profile_report.ts";
import type { PhaseTimes } from "../src/gpu/profile.ts";
import { Profiler } from "../src/gpu/profiler.ts";
import { Recorder } from "../src/gpu/recorder.ts";
import { kernelOp } from "../src/ops/op.ts";
import { SPLIT_FROM } from "../src/ops/attention_split.ts";
import { finish, withEngine } from "./_engine.ts";
import { gpuTest, settle, STRIPS } from "./_gpu.ts";
import { Random } from "./_random.ts";
import { lendGpu } from "./_shared_gpu.ts";
import { tinyCheckpoint } from "./_tiny_checkpoint.ts";
import { WIDE_CONFIG, WIDE_OPTIONS } from "./_wide_model.ts";

const SEED = 71;
const MODEL = fromFileUrl(new URL("../models/stories-17m-q", import.meta.url));

/** What users know parts of a model by. */
const ROLES = [
  ...["embedding", "norm", "q, k, v", "q", "k", "v", "attention", "o"],
  ...["router", "experts", "w1, w3", "w1", "w3", "w2", "combine"],
  ...["final norm", "lm_head", "pick"],
  ...["expert, over the link", "expert, to its slot"],
  ...["missing experts, over the link", "guessed expert, over the link"],
];
/** These move and compute too little to say how much. */
const UNCOUNTED = ["rmsnorm", "combine", "swiglu", "group_rows", "rope_kv"]
  .concat("attention_merge", "fetch", "stage");

const CONFIG = {
  ...WIDE_CONFIG,
  "max_position_embeddings": SPLIT_FROM + 64,
};
const OPTIONS: LoadOptions = { ...WIDE_OPTIONS, chunkSize: 32 };

/** Counts dispatches, of copies too. */
function countDispatches(): Disposable & { count: number } {
  const { prototype } = GPUComputePassEncoder;
  const { dispatchWorkgroups } = prototype;
  const counter = {
    count: 0,
    [Symbol.dispose]: () => {
      prototype.dispatchWorkgroups = dispatchWorkgroups;
    },
  };
  prototype.dispatchWorkgroups = function (...args) {
    counter.count++;
    return dispatchWorkgroups.apply(this, args);
  };
  return counter;
}

/** What a model says to a prompt, single tokens and some ahead. */
async function run(
  directory: string,
  { isProfiled, ids, ...options }: LoadOptions & {
    isProfiled: boolean;
    ids: readonly number[];
  },
) {
  using source = await openSource(directory);
  using gpu = await lendGpu(STRIPS);
  using profiler = await Profiler.create(gpu);
  const { config } = source;
  const reader = source.reader(options);
  const loaded = await loadModel(gpu, {
    config,
    reader,
    options,
    profiler: isProfiled ? profiler : undefined,
  });
  using model = loaded.model;
  using counter = countDispatches();
  const start = performance.now();
  const prompt = ids.slice(0, -4);
  const logits = [await model.forward(prompt, 0)];
  for (let at = prompt.length; at < ids.length; at++) {
    logits.push(await model.forward([ids[at]!], at));
  }
  const picked = model.aheadLimit === 0
    ? []
    : await model.pickAhead(ids[0]!, { position: ids.length, count: 3 });
  const ms = performance.now() - start;
  const phases = profiler.profile.phases();
  return { logits, picked, ms, phases, dispatchCount: counter.count };
}

function check(phases: readonly PhaseTimes[], ms: number): void {
  const kernels = [...Deno.readDirSync(new URL("../kernels", import.meta.url))]
    .map(({ name }) => name.replace(".wgsl", ""));
  for (const { name, gpuMs, wallMs, kernels: times } of phases) {
    assert(gpuMs > 0 && gpuMs < wallMs, `${name}: ${gpuMs} of ${wallMs} ms`);
    for (const { role, kernel, ...sums } of times) {
      assert(ROLES.includes(role), `${role} is no role`);
      assert(kernels.includes(kernel), `${kernel} is no kernel`);
      const bytes = sums.byteLength + sums.linkByteLength;
      assertEquals(bytes === 0, UNCOUNTED.includes(kernel), kernel);
    }
  }
  const wallMs = phases.reduce((sum, phase) => sum + phase.wallMs, 0);
  assert(wallMs <= ms, `${wallMs} of ${ms} ms`);
}

/** The first sees so many positions that attention is split. */
const WAYS: readonly (LoadOptions & { has: readonly string[] })[] = [
  { has: ["qkv_strip", "expert_up_strip", "attention_part", "argmax"] },
  { slots: 2, residency: "gpu", prefetch: "off", has: ["expert_up_strip"] },
  { slots: 3, residency: "gpu", prefetch: "next-layer", has: ["stage"] },
  { slots: 3, residency: "cpu", prefetch: "next-layer", has: ["copy"] },
  { slots: 2, store: "disk", has: ["attention_decode"] },
];

for (const { has, ...way } of WAYS) {
  Deno.test(`Profiler times all that runs with ${JSON.stringify(way)}`, async () => {
    using checkpoint = await tinyCheckpoint({ seed: SEED, config: CONFIG });
    const length = way.slots === undefined ? SPLIT_FROM + 2 : 60;
    const ids = new Random(SEED).integers(length, 61);
    const options = { ...OPTIONS, ...way, ids };
    try {
      const plain = await run(checkpoint.path, {
        ...options,
        isProfiled: false,
      });
      const profiled = await run(checkpoint.path, {
        ...options,
        isProfiled: true,
      });
      assertEquals(profiled.logits, plain.logits, `seed ${SEED}`);
      assertEquals(profiled.picked, plain.picked);
      const { phases, ms, dispatchCount } = profiled;
      check(phases, ms);
      assertEquals(plain.phases, []);
      const kernels = phases.flatMap((phase) => phase.kernels);
      const calls = kernels.reduce((sum, times) => sum + times.callCount, 0);
      assertEquals([calls, dispatchCount], [plain.dispatchCount, calls]);
      const [prefill, decode] = phases;
      assertEquals(prefill!.tokenCount, length - 4);
      assertEquals(prefill!.stepCount, Math.ceil((length - 4) / 32));
      assertEquals(decode!.tokenCount, 4 + profiled.picked.length);
      for (const kernel of has) {
        assert(kernels.some((times) => times.kernel === kernel), kernel);
      }
    } finally {
      await settle();
    }
  });
}

gpuTest(
  "Profiler makes as many queries as a step takes, and forgets what never runs",
  async ({ gpu }) => {
    using profiler = await Profiler.create(gpu);
    using readback = await gpu.readback(16);
    const buffer = gpu.storageBuffer("x", 16);
    const code =
      "@group(0) @binding(0) var<storage, read_write> x: array<u32>;" +
      "@compute @workgroup_size(1) fn main() { x[0] += 1u; }";
    const op = await kernelOp(gpu, {
      sources: [{ name: "count.wgsl", code }],
      constants: {},
      bindings: { 0: buffer },
      workgroups: () => [1],
    });
    const read = (recorder: Recorder) =>
      recorder.read([{ source: buffer, byteLength: 4 }]);
    const record = (count: number) => {
      profiler.beginStep("decode", 1, 1);
      const recorder = new Recorder(gpu, readback, { profiler });
      for (let i = 0; i < count; i++) recorder.run(op, 1);
      return recorder;
    };
    record(3).abandon();
    const unread = record(2100);
    unread.submit();
    for (let i = 0; i < 5; i++) unread.run(op, 1);
    unread.abandon(); // these have no times
    const words = new Uint32Array(await read(record(4100)));
    assertEquals(words[0], 6200);
    await read(record(7));
    const [{ kernels, tokenCount }] = profiler.profile.phases() as [PhaseTimes];
    assertEquals(tokenCount, 4);
    assertEquals(kernels.map(({ role, callCount }) => [role, callCount]), [
      ["count", 6207],
    ]);
  },
);

/** Every byte that came over the link is some kernel's. */
function checkLink(
  { phases }: ProfileReport,
  { byteLengths }: OffloadReport,
): void {
  for (const { name, stepCount, kernels } of phases) {
    const byteLength = kernels.reduce((sum, kernel) => {
      const { linkGigabytesPerSecond, usPerCall, callsPerStep } = kernel;
      const us = usPerCall * callsPerStep * stepCount;
      return sum + (linkGigabytesPerSecond ?? 0) * us * 1e3;
    }, 0);
    const { demand, prefill } = byteLengths;
    const counted = name === "decode" ? demand : prefill;
    assert(counted > 0 && Math.abs(byteLength / counted - 1) < 1e-6, name);
  }
}

Deno.test("Engine.profile says where the time went, and null without", async () => {
  const prompt = "Once upon a time";
  const options = { temperature: 0, maxTokens: 5 };
  const plain = await withEngine(MODEL, { slots: 4 }, async (engine) => {
    assertEquals(engine.profile, null);
    return await finish(engine.generate(prompt, options));
  });
  await withEngine(MODEL, { slots: 4, profile: true }, async (engine) => {
    assertEquals(engine.profile!.phases, []);
    const { ids } = await finish(engine.generate(prompt, options));
    assertEquals(ids, plain.ids);
    const report = engine.profile!;
    checkLink(report, offloadReport(engine.offloadStats!.snapshot()));
    assert(report.vramGigabytesPerSecond > 0);
    assert(report.linkGigabytesPerSecond! > 0);
    assertEquals(
      report.phases.map(({ name, tokenCount }) => [name, tokenCount]),
      [
        ["prefill", plain.promptTokens],
        ["decode", 4],
      ],
    );
    for (const { gpuMsPerStep, wallMsPerStep, kernels } of report.phases) {
      assert(gpuMsPerStep > 0 && gpuMsPerStep < wallMsPerStep);
      const shares = kernels.reduce((sum, { share }) => sum + share, 0);
      assert(Math.abs(shares - 1) < 1e-6, `shares add up to ${shares}`);
    }
  });
});

Deno.test("Profiler refuses a GPU without timestamps in a sentence", async () => {
  const gpu = {
    name: "Some GPU",
    device: { features: new Set(["subgroups"]) },
    readback: () => Promise.reject(new Error("not asked for")),
  } as unknown as Gpu;
  await assertRejects(
    () => Profiler.create(gpu),
    Error,
    "Cannot profile: Some GPU has no timestamps, wanted an adapter with WebGPU's timestamp-query",
  );
});

Deno.test("load() refuses to profile before anything is loaded", async () => {
  const { open } = Gpu;
  const planned: string[] = [];
  Gpu.open = async (options) => {
    const gpu = await open.call(Gpu, options);
    Object.defineProperty(gpu.device, "features", { value: new Set() });
    return gpu;
  };
  try {
    await assertRejects(
      () =>
        load(MODEL, { profile: true, onPlan: () => void planned.push("plan") }),
      Error,
      "has no timestamps",
    );
    assertEquals(planned, []);
  } finally {
    Gpu.open = open;
    await settle();
  }
});
