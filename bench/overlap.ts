// deno-lint-ignore-file no-console
/**
 * Whether copies of experts over the link take time from ops beside them, at
 * Mixtral-8x7B's size: a copy beside an op of other buffers, again and again,
 * against each alone; and copies in pieces, as prefetch makes them.
 *
 * deno run -A bench/overlap.ts [--bits 2] [--count 16]
 *
 * `moeno bench` measures everything else about offloading.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { Gpu } from "../src/gpu/device.ts";
import { GROUP_SIZES, schemeOf } from "../src/model/quantization.ts";
import { createPinnedStore } from "../src/offload/pinned_store.ts";
import { ExpertCopier } from "../src/ops/copy.ts";
import { expertLayout } from "../src/ops/expert_layout.ts";
import { linear } from "../src/ops/linear.ts";
import { matrixLayout } from "../src/ops/matrix.ts";
import { makeRows } from "../src/ops/op.ts";
import { makeStepBuffers } from "../src/ops/step.ts";

const HIDDEN = 4096;
const INTERMEDIATE = 14_336;
const EXPERT_COUNT = 8;

const args = parseArgs(Deno.args, { default: { bits: 2, count: 16 } });
const bits = Number(args.bits) as 2 | 3 | 4 | 8;
const count = Number(args.count);
const scheme = schemeOf({ bits, ...GROUP_SIZES[bits] });
const up = matrixLayout("w1", [INTERMEDIATE, HIDDEN], scheme);
const down = matrixLayout("w2", [HIDDEN, INTERMEDIATE], scheme);
const expertByteLength = expertLayout(up, down).wordCount * 4;

using gpu = await Gpu.open();
using store = await createPinnedStore(gpu, {
  layerCount: 1,
  expertCount: EXPERT_COUNT,
  expertByteLength,
  range: { first: 0, count: EXPERT_COUNT },
  readExpert: () => Promise.resolve(), // zeros cost what other numbers cost
});
const copier = await ExpertCopier.create(gpu, {
  expertByteLength,
  expertLimit: EXPERT_COUNT,
  pieceByteLength: 512 * 1024,
});
const slot = gpu.storageBuffer("slot", expertByteLength);
const bound = copier.bind(store.buffers[0]!, slot);
const matrix = {
  buffer: gpu.storageBuffer("w1", up.wordCount * 4),
  layout: up,
};
const x = makeRows(gpu, "x", [1, HIDDEN]);
const y = makeRows(gpu, "y", [1, INTERMEDIATE]);
const { step } = makeStepBuffers(gpu, 1);
const op = await linear(gpu, { matrix, x, y, step });
using readback = await gpu.readback(16);

/** What passes begin with: nothing, a copy, or a copy in pieces. */
type Copies = "none" | "whole" | "pieces";

await time("whole", true);
const copies = await time("whole", false);
const pieces = await time("pieces", false);
const ops = await time("none", true);
const both = await time("whole", true);
const rate = (ms: number) => (count * expertByteLength / ms / 1e6).toFixed(1);
console.log(`${gpu.name}; ${bits}-bit experts of ${expertByteLength} bytes`);
console.log(`${count} copies: ${copies.toFixed(1)} ms, ${rate(copies)} GB/s`);
console.log(
  `in pieces of 512 KiB: ${pieces.toFixed(1)} ms, ${rate(pieces)} GB/s`,
);
console.log(
  `${count} ops: ${ops.toFixed(1)} ms; with the copies: ${
    both.toFixed(1)
  } ms, ${
    ((both / Math.max(copies, ops) - 1) * 100).toFixed(1)
  } % more than the longer of both`,
);

/** Milliseconds of passes that begin with a copy, as in decode. */
async function time(copies: Copies, withOps: boolean): Promise<number> {
  const passes: GPUCommandBuffer[] = [];
  for (let i = 0; i < count; i++) {
    const commands = gpu.device.createCommandEncoder();
    const pass = commands.beginComputePass();
    const expert = i % EXPERT_COUNT;
    const pieceCount = copies === "pieces" ? copier.pieceCount : 1;
    for (let piece = 0; copies !== "none" && piece < pieceCount; piece++) {
      const toEnd = copies === "whole";
      copier.encode(pass, bound, { expert, piece, toEnd });
    }
    if (withOps) op.encode(pass, 1);
    pass.end();
    passes.push(commands.finish());
  }
  const start = performance.now();
  gpu.device.queue.submit(passes);
  await readback.read(gpu.device.createCommandEncoder(), x.buffer, 16);
  return performance.now() - start;
}
