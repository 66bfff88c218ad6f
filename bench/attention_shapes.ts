// deno-lint-ignore-file no-console
/**
 * Attention at Mixtral-8x7B's shapes on cold data: µs, and GB/s counting keys and
 * values once, or GFLOP/s of what a causal mask leaves. Of a single token whole and
 * in parts; of many in all ways that there are.
 *
 * deno run -A bench/attention_shapes.ts [--mib 256]
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { Gpu } from "../src/gpu/device.ts";
import { attentionByTile, type KvBuffers } from "../src/ops/attention.ts";
import { attentionDecode } from "../src/ops/attention_decode.ts";
import { attentionSplit } from "../src/ops/attention_split.ts";
import { attentionWide } from "../src/ops/attention_wide.ts";
import { makeRows, type Op } from "../src/ops/op.ts";
import { makeStepBuffers, writeStep } from "../src/ops/step.ts";

const SHAPE = { headDim: 128, headCount: 32, kvHeadCount: 8 };
const WIDTH = 4096;
const KV_WIDTH = 1024;
const POSITIONS = [16, 144, 300, 512, 1024, 4096, 32_768];
/** In how many parts one token's positions are split; 1: not at all. */
const PART_COUNTS = [1, 8, 16, 32, 64];
const PROMPTS = [[512, 0], [2048, 0], [512, 4096], [8, 4096]] as const;
/** Until a GPU that was idle runs at full speed. */
const WARM_UP_MS = 300;

const { mib } = parseArgs(Deno.args, { default: { mib: 256 } });
using gpu = await Gpu.open();
console.log(`${gpu.name}, subgroups of ${gpu.subgroupSize}`);
using readback = await gpu.readback(16);
for (const position of POSITIONS) {
  const fits = (position + 1) * KV_WIDTH * 4 <= gpu.bindByteLimit;
  if (fits) await benchDecode(position);
}
for (const [tokenCount, position] of PROMPTS) {
  await benchPrefill(tokenCount, position);
}

async function benchDecode(position: number): Promise<void> {
  const rows = (width: number) => makeRows(gpu, "rows", [1, width]);
  const step = makeStepBuffers(gpu, 1);
  const byteLength = position * KV_WIDTH * 8;
  using _scope = gpu.scope();
  const caches = makeCaches(position + 1);
  const shared = {
    ...SHAPE,
    q: rows(WIDTH),
    k: rows(KV_WIDTH),
    v: rows(KV_WIDTH),
    rotated: gpu.storageBuffer("not used", 16),
    angles: gpu.storageBuffer("angles", (position + 1) * 128 * 4),
    parts: gpu.storageBuffer("parts", 64 * 32 * 132 * 4),
    y: rows(WIDTH),
    window: 0,
    step: step.step,
  };
  writeStep(gpu, step, { tokens: [0], position, firstRow: 0 });
  for (const partCount of PART_COUNTS) {
    const ops = await Promise.all(caches.map((cache) => {
      const options = { ...shared, cache, partCount };
      return partCount === 1
        ? attentionDecode(gpu, options)
        : attentionSplit(gpu, options);
    }));
    if (ops.includes(null)) continue;
    const us = await usOf(repeat(ops as Op[], 64), { tokenCount: 1, position });
    report(`one token at ${position}, ${partCount} parts`, us, [
      byteLength,
      "GB/s",
    ]);
  }
}

async function benchPrefill(tokenCount: number, position: number) {
  const step = makeStepBuffers(gpu, tokenCount);
  using _scope = gpu.scope();
  const options = {
    ...SHAPE,
    rotated: gpu.storageBuffer("rotated", tokenCount * WIDTH * 4),
    cache: makeCaches(position + tokenCount)[0]!,
    y: makeRows(gpu, "y", [tokenCount, WIDTH]),
    window: 0,
    step: step.step,
  };
  const tokens = Array<number>(tokenCount).fill(0);
  writeStep(gpu, step, { tokens, position, firstRow: 0 });
  const seen = tokenCount * (position + (tokenCount + 1) / 2);
  for (
    const [name, op] of [
      ["tile", await attentionByTile(gpu, options)],
      ["wide", await attentionWide(gpu, options)],
    ] as const
  ) {
    if (op === null) continue;
    const us = await usOf(repeat([op], 4), { tokenCount, position });
    report(`${tokenCount} tokens at ${position}, ${name}`, us, [
      seen * 4 * WIDTH,
      "GFLOP/s",
    ]);
  }
}

/** Keys and values that are too many for any cache, all in all. */
function makeCaches(context: number): KvBuffers[] {
  const byteLength = context * KV_WIDTH * 4;
  const count = Math.ceil(Number(mib) * 2 ** 20 / (2 * byteLength));
  const make = (label: string) => {
    const buffer = gpu.storageBuffer(label, byteLength);
    const chunk = Float32Array.from({ length: KV_WIDTH }, () => Math.random());
    for (let at = 0; at < byteLength; at += 2 ** 20) {
      const length = Math.min(2 ** 20, byteLength - at);
      const floats = new Float32Array(length / 4);
      for (let i = 0; i < floats.length; i += KV_WIDTH) floats.set(chunk, i);
      gpu.upload(buffer, new Uint8Array(floats.buffer), at);
    }
    return buffer;
  };
  return Array.from(
    { length: Math.min(64, count) },
    () => ({ k: make("keys"), v: make("values") }),
  );
}

/** At least `count` ops: all of them some times. */
function repeat(ops: readonly Op[], count: number): Op[] {
  return Array(Math.ceil(count / ops.length)).fill(ops).flat();
}

interface Where {
  readonly tokenCount: number;
  readonly position: number;
}

/** Microseconds of one of the ops, from submit to read-back, the median of 9. */
async function usOf(ops: readonly Op[], where: Where): Promise<number> {
  const start = performance.now();
  do await time(ops, where); while (performance.now() - start < WARM_UP_MS);
  const times: number[] = [];
  for (let round = 0; round < 9; round++) times.push(await time(ops, where));
  return times.sort((a, b) => a - b)[4]! / ops.length * 1e3;
}

/** Milliseconds of one dispatch of each, from submit to read-back. */
async function time(
  ops: readonly Op[],
  { tokenCount, position }: Where,
): Promise<number> {
  const commands = gpu.device.createCommandEncoder();
  const pass = commands.beginComputePass();
  for (const op of ops) op.encode(pass, tokenCount, position);
  pass.end();
  const marker = gpu.storageBuffer("marker", 16);
  const start = performance.now();
  await readback.read(commands, marker, 16);
  const end = performance.now();
  marker.destroy();
  return end - start;
}

function report(
  name: string,
  us: number,
  [amount, unit]: readonly [number, string],
): void {
  const rate = (amount / us / 1e3).toFixed(0).padStart(6);
  console.log(
    `${name.padEnd(32)} ${us.toFixed(1).padStart(8)} us ${rate} ${unit}`,
  );
}
