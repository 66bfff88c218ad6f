// deno-lint-ignore-file no-console
/**
 * Decode kernels at Mixtral-8x7B's shapes on cold data: µs, and GB/s counting
 * codes, scales and zeros once.
 *
 * deno run -A bench/mixtral_shapes.ts [--mib 1024]
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { Gpu } from "../src/gpu/device.ts";
import { linear } from "../src/ops/linear.ts";
import { matrixLayout, type Scheme } from "../src/ops/matrix.ts";
import { makeRows, type Op } from "../src/ops/op.ts";
import { makeStepBuffers } from "../src/ops/step.ts";

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
const CASES: readonly [string, readonly [number, number], Scheme][] = [
  ["w1 2 bits", [14_336, 4096], EXPERT],
  ["w2 2 bits", [4096, 14_336], EXPERT],
  ["q 4 bits", [4096, 4096], ATTN],
  ["k 4 bits", [1024, 4096], ATTN],
  ["w1 4 bits", [14_336, 4096], ATTN],
  ["w1 3 bits", [14_336, 4096], { ...ATTN, bits: 3, scaleGroupSize: 128 }],
  ["lm_head f16", [32_000, 4096], { type: "F16" }],
];

const { mib } = parseArgs(Deno.args, { default: { mib: 1024 } });
using gpu = await Gpu.open();
console.log(`${gpu.name}, subgroups of ${gpu.subgroupSize}`);
using readback = await gpu.readback(16);
for (const [name, shape, scheme] of CASES) {
  const layout = matrixLayout(name, shape, scheme);
  const byteLength = layout.wordCount * 4;
  const copyCount = Math.max(1, Math.ceil(Number(mib) * 2 ** 20 / byteLength));
  const x = makeRows(gpu, "x", [1, shape[1]]);
  const y = makeRows(gpu, "y", [1, shape[0]]);
  const { step } = makeStepBuffers(gpu, 1);
  const bytes = new Uint8Array(byteLength);
  for (let at = 0; at < byteLength; at += 65_536) {
    crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  }
  // Meta scales must be numbers.
  if (layout.metaAt > 0) {
    new Float32Array(bytes.buffer, layout.metaAt * 4).fill(1e-3);
  }
  const buffers: GPUBuffer[] = [];
  const ops: Op[] = [];
  for (let i = 0; i < copyCount; i++) {
    const buffer = gpu.storageBuffer(name, byteLength);
    gpu.upload(buffer, bytes);
    buffers.push(buffer);
    ops.push(await linear(gpu, { matrix: { buffer, layout }, x, y, step }));
  }
  const times: number[] = [];
  for (let round = 0; round < 5; round++) {
    times.push(await time(ops));
  }
  const us = times.sort((a, b) => a - b)[2]! / copyCount * 1e3;
  console.log(
    `${name.padEnd(12)} ${shape.join(" x ").padEnd(14)} ${
      us.toFixed(1).padStart(8)
    } us ${(byteLength / us / 1e3).toFixed(0).padStart(6)} GB/s`,
  );
  for (const buffer of buffers) buffer.destroy();
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
