// deno-lint-ignore-file no-console
/**
 * Offloading at Mixtral-8x7B's size with synthetic weights: the link, the
 * scheduler, tokens a second.
 *
 * deno run -A bench/offload.ts [--layers 32] [--slots 5,4,3] [--store pinned]
 *   [--prefetch off] [--tokens 128] [--prompt 16] [--repeat 0.5] [--bits 2]
 *
 * `--repeat` is the chance that a token is the one before it again, which makes
 * routing repeat itself as it does in text.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { planModel, setUpOffload } from "../src/engine/offload_setup.ts";
import type { LoadOptions } from "../src/engine/load_options.ts";
import { Gpu } from "../src/gpu/device.ts";
import { type ModelConfig, parseConfig } from "../src/model/config.ts";
import { Mixtral } from "../src/model/mixtral.ts";
import { SyntheticReader } from "../src/model/synthetic_reader.ts";
import { SyntheticWeights } from "../src/model/synthetic_weights.ts";
import { uploadWeights } from "../src/model/upload.ts";
import { GROUP_SIZES } from "../src/model/weights.ts";
import { offloadReport } from "../src/offload/describe_stats.ts";
import { differenceOf } from "../src/offload/offload_stats.ts";
import type { HostStore } from "../src/offload/host_store.ts";
import { ExpertCopier } from "../src/ops/copy.ts";
import { linear } from "../src/ops/linear.ts";
import { makeRows } from "../src/ops/op.ts";
import { makeStepBuffers } from "../src/ops/step.ts";

const args = parseArgs(Deno.args, {
  string: ["slots", "store", "prefetch"],
  default: {
    layers: 32,
    slots: "5,4,3",
    store: "pinned",
    prefetch: "off",
    tokens: 128,
    prompt: 16,
    repeat: 0.5,
    bits: 2,
    hidden: 4096,
    intermediate: 14_336,
    vocab: 32_000,
  },
});
const number = (name: string) => Number(args[name]);

const config: ModelConfig = {
  ...parseConfig({ model_type: "mixtral" }, "the synthetic model"),
  numHiddenLayers: number("layers"),
  hiddenSize: number("hidden"),
  intermediateSize: number("intermediate"),
  vocabSize: number("vocab"),
  headDim: 128,
  numAttentionHeads: number("hidden") / 128,
  numKeyValueHeads: Math.max(1, number("hidden") / 512),
};
const bits = number("bits") as 2 | 3 | 4;
const reader = new SyntheticReader(new SyntheticWeights(config), {
  attn: { bits: 4, ...GROUP_SIZES[4] },
  experts: { bits, ...GROUP_SIZES[bits] },
});

using gpu = await Gpu.open();
console.log(
  `${gpu.name}; ${config.numHiddenLayers} layers, ${bits}-bit experts`,
);
let store: HostStore | null = null;
let linkRate = 0;
for (const slots of String(args.slots).split(",").map(Number)) {
  await measure(slots);
}
(store as HostStore | null)?.[Symbol.dispose]();

async function measure(slots: number): Promise<void> {
  const contextLength = 512;
  const options: LoadOptions = {
    slots,
    store: args.store as LoadOptions["store"],
    prefetch: args.prefetch as LoadOptions["prefetch"],
  };
  const input = {
    config,
    reader,
    options,
    contextLength,
    chunkSize: Math.max(16, Math.min(512, number("prompt"))),
  };
  const plan = planModel(gpu, input);
  const loadStart = performance.now();
  // One pool serves all runs: it takes the longest to allocate.
  const offload = await setUpOffload(gpu, plan, { ...input, store });
  store = offload?.store ?? store;
  const poolSeconds = (performance.now() - loadStart) / 1000;
  const resident = new Set(plan.residentLayers);
  const weights = await uploadWeights(gpu, config, {
    reader,
    isResident: (layer) => resident.has(layer),
  });
  const model = await Mixtral.create(gpu, weights, {
    contextLength,
    chunkSize: input.chunkSize,
    offload,
  });
  const loadSeconds = (performance.now() - loadStart) / 1000;
  console.log(
    `slots ${slots}: pool in ${poolSeconds.toFixed(1)} s, all in ${
      loadSeconds.toFixed(1)
    } s; plan ${
      (plan.vramByteLength / 1e9).toFixed(2)
    } GB of VRAM, nvidia-smi ${await usedVram()}`,
  );
  if (store !== null && store.buffers.length > 0 && linkRate === 0) {
    linkRate = await measureLink(store, plan.expertByteLength);
  }
  await decode(model, slots, plan.expertByteLength);
}

async function decode(
  model: Mixtral,
  slots: number,
  expertByteLength: number,
): Promise<void> {
  const random = mulberry(7);
  const token = () => Math.floor(random() * config.vocabSize);
  const prompt = Array.from({ length: number("prompt") }, token);
  const prefillStart = performance.now();
  await model.forward(prompt, 0);
  const prefillMs = performance.now() - prefillStart;
  let last = prompt.at(-1)!;
  let position = prompt.length;
  const run = async (count: number) => {
    for (let i = 0; i < count; i++) {
      if (random() >= number("repeat")) last = token();
      await model.forward([last], position++);
    }
  };
  await run(8);
  const before = model.offloadStats?.snapshot();
  const waitBefore = model.waitMs;
  const start = performance.now();
  await run(number("tokens"));
  const ms = (performance.now() - start) / number("tokens");
  const waitMs = (model.waitMs - waitBefore) / number("tokens");
  const cpuUs = (ms - waitMs) * 1000 / config.numHiddenLayers;
  let line = `slots ${slots}: ${(1000 / ms).toFixed(1)} tok/s, ${
    ms.toFixed(2)
  } ms a token, CPU ${cpuUs.toFixed(0)} us a layer; prefill ${
    (prompt.length / prefillMs * 1000).toFixed(0)
  } tok/s`;
  const after = model.offloadStats?.snapshot();
  if (before && after) {
    const report = offloadReport(differenceOf(after, before));
    const perToken = report.byteLengthPerToken! / expertByteLength;
    const misses = report.layers.reduce((sum, l) => sum + l.misses, 0) /
      number("tokens");
    const roofMs = misses * expertByteLength / linkRate / 1e6;
    line += `\n  hit rate ${report.hitRate!.toFixed(3)}, ${
      misses.toFixed(1)
    } misses a token, ${perToken.toFixed(1)} experts moved; link roofline ${
      (1000 / roofMs).toFixed(1)
    } tok/s, share ${(roofMs / ms * 100).toFixed(0)} %; recall ${
      report.prefetchRecall.map((r) => r?.toFixed(2)).join(" ")
    }, waste ${report.prefetchWaste?.toFixed(2)}; us a layer: ${
      Object.entries(report.timeMs).map(([phase, total]) =>
        `${phase} ${
          (total * 1000 / number("tokens") / config.numHiddenLayers).toFixed(0)
        }`
      ).join(", ")
    }`;
  }
  console.log(line);
}

/** Copies from the pool alone and beside compute: GB/s. */
async function measureLink(
  { buffers }: HostStore,
  expertByteLength: number,
): Promise<number> {
  const perBuffer = Math.floor(buffers[0]!.size / expertByteLength);
  const copier = await ExpertCopier.create(gpu, {
    expertByteLength,
    expertLimit: perBuffer,
    pieceByteLength: 512 * 1024,
  });
  const slots = [0, 1].map((i) => gpu.storageBuffer(`s${i}`, expertByteLength));
  const bound = slots.map((slot) => copier.bind(buffers[0]!, slot));
  using readback = await gpu.readback(16);
  const time = async (count: number, toEnd: boolean) => {
    const commands = gpu.device.createCommandEncoder();
    const pass = commands.beginComputePass();
    for (let i = 0; i < count; i++) {
      const expert = i % perBuffer;
      const pieces = toEnd ? 1 : copier.pieceCount;
      for (let piece = 0; piece < pieces; piece++) {
        copier.encode(pass, bound[i % 2]!, { expert, piece, toEnd });
      }
    }
    pass.end();
    const start = performance.now();
    await readback.read(commands, slots[0]!, 16);
    return count * expertByteLength / (performance.now() - start) / 1e6;
  };
  await time(4, true);
  const whole = await time(32, true);
  const pieces = await time(8, false);
  console.log(
    `link: ${whole.toFixed(1)} GB/s by whole experts, ${
      pieces.toFixed(1)
    } in pieces of 512 KiB`,
  );
  await measureOverlap(copier, bound[0]!, expertByteLength);
  const bytes = new Uint8Array(expertByteLength);
  gpu.upload(slots[0]!, bytes);
  await readback.read(gpu.device.createCommandEncoder(), slots[0]!, 16);
  const start = performance.now();
  for (let i = 0; i < 8; i++) gpu.upload(slots[i % 2]!, bytes);
  await readback.read(gpu.device.createCommandEncoder(), slots[0]!, 16);
  const rate = 8 * expertByteLength / (performance.now() - start) / 1e6;
  console.log(`array-buffer to VRAM by writeBuffer: ${rate.toFixed(1)} GB/s`);
  for (const slot of slots) slot.destroy();
  return whole;
}

/** A copy beside an op, again and again, against each alone. */
async function measureOverlap(
  copier: ExpertCopier,
  bound: GPUBindGroup,
  expertByteLength: number,
): Promise<void> {
  const shape = [config.intermediateSize, config.hiddenSize] as const;
  const layout = reader.layout("overlap", shape, "experts");
  const buffer = gpu.storageBuffer("overlap", layout.wordCount * 4);
  const x = makeRows(gpu, "x", [1, shape[1]]);
  const y = makeRows(gpu, "y", [1, shape[0]]);
  const { step } = makeStepBuffers(gpu, 1);
  const op = await linear(gpu, { matrix: { buffer, layout }, x, y, step });
  using readback = await gpu.readback(16);
  // As in decode: a pass begins with a copy, and ops of other buffers follow.
  const time = async (withCopies: boolean, withOps: boolean) => {
    const passes: GPUCommandBuffer[] = [];
    for (let i = 0; i < 16; i++) {
      const commands = gpu.device.createCommandEncoder();
      const pass = commands.beginComputePass();
      if (withCopies) {
        copier.encode(pass, bound, { expert: 0, piece: 0, toEnd: true });
      }
      if (withOps) op.encode(pass, 1);
      pass.end();
      passes.push(commands.finish());
    }
    const start = performance.now();
    gpu.device.queue.submit(passes);
    await readback.read(gpu.device.createCommandEncoder(), x.buffer, 16);
    return performance.now() - start;
  };
  await time(true, true);
  const copies = await time(true, false);
  const ops = await time(false, true);
  const both = await time(true, true);
  console.log(
    `overlap of 16 copies and 16 ops: copies ${copies.toFixed(1)} ms (${
      (16 * expertByteLength / copies / 1e6).toFixed(1)
    } GB/s), ops ${ops.toFixed(1)} ms, both ${both.toFixed(1)} ms: ${
      ((both / Math.max(copies, ops) - 1) * 100).toFixed(1)
    } % more than the larger`,
  );
  buffer.destroy();
}

async function usedVram(): Promise<string> {
  try {
    const command = new Deno.Command("nvidia-smi", {
      args: ["--query-gpu=memory.used", "--format=csv,noheader"],
    });
    return new TextDecoder().decode((await command.output()).stdout).trim();
  } catch {
    return "not there";
  }
}

function mulberry(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
