// deno-lint-ignore-file no-console
/**
 * Decode ops at Mixtral-8x7B's shapes on cold data: µs, and GB/s counting codes,
 * scales and zeros once. Where workgroups can share the work in several ways, all
 * of them.
 *
 * deno run -A bench/mixtral_shapes.ts [--mib 1024]
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { Gpu } from "../src/gpu/device.ts";
import pickExpert from "../kernels/lib/pick_expert.wgsl" with { type: "text" };
import { argmax } from "../src/ops/argmax.ts";
import { expertLayout, makeExpertScratch } from "../src/ops/expert_layout.ts";
import { oneTokenOps } from "../src/ops/experts.ts";
import {
  type MatrixLayout,
  matrixLayout,
  type Scheme,
} from "../src/ops/matrix.ts";
import { matvec } from "../src/ops/matvec.ts";
import { combine, makeRouting, route } from "../src/ops/moe.ts";
import { makeRows, type Op } from "../src/ops/op.ts";
import { selfAttention } from "../src/ops/self_attention.ts";
import { makeStepBuffers, writeStep } from "../src/ops/step.ts";
import pickOne from "../kernels/lib/pick_one.wgsl" with { type: "text" };

const EXPERT: Scheme = {
  type: "HQQ",
  bits: 2,
  axis: 0,
  groupSize: 16,
  scaleGroupSize: 128,
};
const ATTN: Scheme = {
  type: "HQQ",
  bits: 4,
  axis: 0,
  groupSize: 64,
  scaleGroupSize: 256,
};
const CASES: readonly [string, readonly [number, number], Scheme, number[]][] =
  [
    ["w1 2 bits", [14_336, 4096], EXPERT, [1, 2, 4, 8, 16]],
    ["w2 2 bits", [4096, 14_336], EXPERT, [1, 2, 4, 8]],
    ["q 4 bits", [4096, 4096], ATTN, [1, 2, 4]],
    ["k 4 bits", [1024, 4096], ATTN, [1, 2]],
    ["w1 4 bits", [14_336, 4096], ATTN, [1, 2, 4]],
    ["w1 8 bits", [14_336, 4096], { ...ATTN, bits: 8 }, [1, 2]],
    ["w1 3 bits", [14_336, 4096], { ...ATTN, bits: 3, scaleGroupSize: 128 }, [
      1,
    ]],
    ["lm_head f16", [32_000, 4096], { type: "F16" }, [1]],
  ];
const WIDTH = 4096;
/** Until a GPU that was idle runs at full speed. */
const WARM_UP_MS = 300;

const { mib } = parseArgs(Deno.args, { default: { mib: 1024 } });
using gpu = await Gpu.open();
console.log(`${gpu.name}, subgroups of ${gpu.subgroupSize}`);
using readback = await gpu.readback(16);
await benchEmpty();
for (const [name, shape, scheme, unitCounts] of CASES) {
  await benchMatvec(name, matrixLayout(name, shape, scheme), unitCounts);
}
await benchExperts();
await benchSmall();

/** What a dispatch costs that does next to nothing but wait for the last. */
async function benchEmpty(): Promise<void> {
  const routing = makeRouting(gpu, { tokenLimit: 1, expertCount: 8, topK: 2 });
  const x = makeRows(gpu, "x", [1, 64]);
  const op = await combine(gpu, {
    y: x,
    partCount: 1,
    routing,
    x: makeRows(gpu, "y", [1, 64]),
    width: 64,
  });
  report("a dispatch", await usOf(Array(256).fill(op)), 0);
}

async function benchMatvec(
  name: string,
  layout: MatrixLayout,
  unitCounts: readonly number[],
): Promise<void> {
  const byteLength = layout.wordCount * 4;
  const copyCount = Math.max(1, Math.ceil(Number(mib) * 2 ** 20 / byteLength));
  const x = makeRows(gpu, "x", [1, layout.K]);
  const y = makeRows(gpu, "y", [8, layout.N]);
  const bytes = randomMatrix(layout);
  const buffers = Array.from({ length: copyCount }, () => {
    const buffer = gpu.storageBuffer(name, byteLength);
    gpu.upload(buffer, bytes);
    return buffer;
  });
  const pick = {
    sources: [{ name: "lib/pick_one.wgsl", code: pickOne }],
    constants: {},
    bindings: {},
    count: 1,
  };
  const hasParts = name.startsWith("w2");
  for (const unitCount of unitCounts) {
    const knob = hasParts ? "downUnits" : "matrixUnits";
    gpu.tuning = { ...gpu.tuning, [knob]: unitCount };
    const ops = await Promise.all(
      buffers.map((buffer) =>
        matvec(gpu, {
          matrix: { buffer, layout },
          x,
          y,
          add: false,
          hasParts,
          pick,
        })
      ),
    );
    report(`${name}, ${unitCount} units`, await usOf(ops), byteLength);
  }
  for (const buffer of buffers) buffer.destroy();
}

/** Both experts of a token: W1 and W3, then W2. */
async function benchExperts(): Promise<void> {
  const up = matrixLayout("up", [14_336, WIDTH], EXPERT);
  const down = matrixLayout("down", [WIDTH, 14_336], EXPERT);
  const layout = expertLayout(up, down);
  const byteLength = layout.wordCount * 4;
  const buffer = gpu.storageBuffer("experts", 8 * byteLength);
  for (let expert = 0; expert < 8; expert++) {
    for (
      const [at, of] of [[layout.at.w1, up], [layout.at.w3, up], [
        layout.at.w2,
        down,
      ]] as const
    ) {
      gpu.upload(buffer, randomMatrix(of), expert * byteLength + at * 4);
    }
  }
  const x = makeRows(gpu, "x", [1, WIDTH]);
  const sizes = { tokenLimit: 1, expertCount: 8, topK: 2 };
  for (
    const unitCounts of [{ up: 1, down: 1 }, { up: 4, down: 4 }, {
      up: 8,
      down: 1,
    }, { up: 16, down: 8 }]
  ) {
    const { up: upUnits, down: downUnits } = unitCounts;
    gpu.tuning = { ...gpu.tuning, upUnits, downUnits };
    const ups: Op[] = [];
    const downs: Op[] = [];
    for (let pair = 0; pair < 4; pair++) {
      const routing = makeRouting(gpu, sizes);
      gpu.upload(
        routing.ids,
        new Uint8Array(Uint32Array.of(2 * pair, 2 * pair + 1).buffer),
      );
      const scratch = makeExpertScratch(gpu, {
        ...sizes,
        layout,
        hiddenSize: WIDTH,
        intermediateSize: 14_336,
      });
      const ops = await oneTokenOps(
        gpu,
        { buffer, layout, x, routing, scratch },
        (MATRIX_AT, X_PER_RANK) => ({
          sources: [{ name: "lib/pick_expert.wgsl", code: pickExpert }],
          constants: { EXPERT_WORDS: layout.wordCount, MATRIX_AT, X_PER_RANK },
          bindings: { 3: routing.ids },
          count: 2,
        }),
      );
      ups.push(ops[0]);
      downs.push(ops[1]);
    }
    const repeat = (ops: Op[]) => Array(6).fill(ops).flat();
    report(
      `2 experts up, ${unitCounts.up} units`,
      await usOf(repeat(ups)),
      4 * up.wordCount * 4,
    );
    report(
      `2 experts down, ${unitCounts.down} units`,
      await usOf(repeat(downs)),
      2 * down.wordCount * 4,
    );
  }
  buffer.destroy();
}

/** The ops that read few bytes: latency is what they cost. */
async function benchSmall(): Promise<void> {
  const routing = makeRouting(gpu, { tokenLimit: 1, expertCount: 8, topK: 2 });
  const rows = (width: number) => makeRows(gpu, "rows", [8, width]);
  const [x, q, k, v, a] = [
    rows(WIDTH),
    rows(WIDTH),
    rows(1024),
    rows(1024),
    rows(WIDTH),
  ];
  const weight = gpu.storageBuffer("norm", WIDTH * 4);
  const gate = gpu.storageBuffer("gate", 8 * WIDTH * 4);
  const kv = () => gpu.storageBuffer("kv", 4096 * 1024 * 4);
  const stepBuffers = makeStepBuffers(gpu, 1);
  const { step } = stepBuffers;
  const input = { x, norm: { weight, epsilon: 1e-5 } };
  const router = await route(gpu, {
    x: a,
    beforeNorm: input,
    width: WIDTH,
    gate,
    routing,
  });
  report("route", await usOf(Array(64).fill(router)), 0);
  const guess = await route(gpu, {
    x: a,
    beforeNorm: input,
    width: WIDTH,
    gate,
    routing,
    guess: { nextGate: gate, count: 3 },
  });
  report("route with a guess", await usOf(Array(64).fill(guess)), 0);
  const sum = await combine(gpu, {
    y: rows(WIDTH),
    partCount: 4,
    routing,
    x,
    width: WIDTH,
  });
  report("combine", await usOf(Array(64).fill(sum)), 0);
  const logits = makeRows(gpu, "logits", [1, 32_000]);
  const pick = await argmax(gpu, {
    logits,
    vocabSize: 32_000,
    picked: gpu.storageBuffer("picked", 4),
    step: stepBuffers,
  });
  report("argmax", await usOf(Array(64).fill(pick)), 128_000);
  const attention = await selfAttention(gpu, {
    q,
    k,
    v,
    rotated: gpu.storageBuffer("rotated", WIDTH * 4),
    angles: gpu.storageBuffer("angles", 4096 * 128 * 4),
    cache: { k: kv(), v: kv() },
    y: a,
    window: 0,
    step,
    headDim: 128,
    headCount: 32,
    kvHeadCount: 8,
  });
  for (const position of [16, 144, 1024, 4095]) {
    writeStep(gpu, stepBuffers, { tokens: [0], position, firstRow: 0 });
    report(
      `attention at ${position}`,
      await usOf(Array(64).fill(attention)),
      position * 8192,
    );
  }
}

function report(name: string, us: number, byteLength: number): void {
  const rate = byteLength > 0
    ? `${(byteLength / us / 1e3).toFixed(0).padStart(6)} GB/s`
    : "";
  console.log(`${name.padEnd(28)} ${us.toFixed(1).padStart(8)} us ${rate}`);
}

function randomMatrix(layout: MatrixLayout): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(layout.wordCount * 4);
  for (let at = 0; at < bytes.length; at += 65_536) {
    crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  }
  // Meta scales must be numbers.
  if (layout.metaAt > 0) {
    new Float32Array(bytes.buffer, layout.metaAt * 4).fill(1e-3);
  }
  return bytes;
}

/** Microseconds of one of the ops, from submit to read-back, the median of 9. */
async function usOf(ops: readonly Op[]): Promise<number> {
  const start = performance.now();
  do await time(ops); while (performance.now() - start < WARM_UP_MS);
  const times: number[] = [];
  for (let round = 0; round < 9; round++) times.push(await time(ops));
  return times.sort((a, b) => a - b)[4]! / ops.length * 1e3;
}

/** Milliseconds of one dispatch of each, from submit to read-back. */
async function time(ops: readonly Op[]): Promise<number> {
  const commands = gpu.device.createCommandEncoder();
  const pass = commands.beginComputePass();
  for (const op of ops) op.encode(pass, 1);
  pass.end();
  const marker = gpu.storageBuffer("marker", 16);
  const start = performance.now();
  await readback.read(commands, marker, 16);
  const end = performance.now();
  marker.destroy();
  return end - start;
}
