/** `argmax()`: which token the GPU picks. */

import { assertEquals } from "@std/assert";
import type { Gpu } from "../src/gpu/device.ts";
import { resolveOptions } from "../src/engine/options.ts";
import { Sampler } from "../src/engine/sampler.ts";
import { argmax, NO_PICK } from "../src/ops/argmax.ts";
import { makeStepBuffers, writeStepsAhead } from "../src/ops/step.ts";
import { makeReader, upload, uploadRows } from "./_gpu.ts";
import type { KernelCase } from "./_kernel_case.ts";
import { type Random, withRandom } from "./_random.ts";

/** Around vec4s, workgroups, and what each loads at once; and Mixtral's. */
const SIZES = [
  ...[1, 2, 3, 4, 5, 7, 31, 127, 128, 129, 255, 257, 1021, 1025],
  ...[4095, 4097, 8193, 32_000, 32_003, 65_537],
];

/** Floats that are the lowest and highest of their kinds. */
const TINY = 2 ** -149;
const HIGHEST = 3.4028234663852886e38;

/** All cases of this file. */
export const ARGMAX_CASES: readonly KernelCase[] = [false, true].map((
  wideWorkgroups,
) => ({
  name: `argmax() picks the largest logit, the lowest id among equals, ${
    wideWorkgroups ? "in a wide workgroup" : "in a narrow one"
  }`,
  kernels: ["argmax.wgsl", "lib/step.wgsl"],
  summing: [], // it compares integers, which needs no way of summing
  options: { wideWorkgroups },
  run: ({ gpu }: { gpu: Gpu }) =>
    withRandom(21, async (random) => {
      for (const size of SIZES) await checkArgmax(gpu, random, size);
    }),
}));

async function checkArgmax(
  gpu: Gpu,
  random: Random,
  size: number,
): Promise<void> {
  // What follows the last logit must not count.
  const beyond = uploadRows(gpu, new Float32Array(size).fill(HIGHEST), size);
  const padding = new Float32Array(beyond.stride).fill(Infinity);
  const step = makeStepBuffers(gpu, 2);
  const picked = upload(gpu, new Uint32Array(8));
  const op = await argmax(gpu, {
    logits: beyond,
    vocabSize: size,
    picked,
    step,
  });
  using reader = await makeReader(gpu, 32);
  writeStepsAhead(gpu, step, { token: 1, position: 5, count: 8 });
  for (const [what, logits] of Object.entries(logitsOf(random, size))) {
    padding.set(logits);
    gpu.upload(beyond.buffer, new Uint8Array(padding.buffer));
    gpu.device.queue.writeBuffer(picked, 0, new Uint32Array(8).fill(77));
    gpu.device.queue.writeBuffer(step.tokens, 0, Uint32Array.of(66, 55));
    const index = random.integer(8);
    const commands = gpu.device.createCommandEncoder();
    commands.copyBufferToBuffer(step.ahead, index * 16, step.step, 0, 16);
    const pass = commands.beginComputePass();
    op.encode(pass, 1);
    pass.end();
    gpu.device.queue.submit([commands.finish()]);
    const expected = pickOnHost(logits);
    const ids = new Array<number>(8).fill(77);
    ids[index] = expected ?? NO_PICK;
    const message = `${what}, ${size} logits`;
    assertEquals([...await reader.words(picked)], ids, message);
    // The next step runs something even then, and only its first token is ours.
    const tokens = [...(await reader.words(step.tokens)).subarray(0, 2)];
    assertEquals(tokens, [expected ?? 0, 55], message);
  }
}

/** The id that the host picks; none if it refuses the logits. */
function pickOnHost(logits: Float32Array): number | undefined {
  const sampler = new Sampler(resolveOptions({ temperature: 0 }));
  try {
    return sampler.sample(logits, [], () => 0);
  } catch {
    return undefined;
  }
}

/** Rows of logits by what is special about them. */
function logitsOf(
  random: Random,
  size: number,
): Record<string, Float32Array> {
  const plain = random.normal(size).map((v) => v * 8);
  const at = () => random.integer(size);
  const withAll = (row: Float32Array, ...values: number[]) => {
    const changed = row.slice();
    for (const value of values) changed[at()] = value;
    return changed;
  };
  const filled = (value: number) => new Float32Array(size).fill(value);
  const negative = plain.map((v) => -1 - Math.abs(v));
  return {
    "plain": plain,
    "negative": negative,
    "the last is the largest": plain.with(size - 1, 100),
    "the first is the largest": plain.with(0, 100),
    "ties": withAll(plain, 50, 50, 50),
    "negative ties": withAll(negative, -0.5, -0.5, -0.5),
    "all equal": filled(-3),
    "few values": plain.map((v) => Math.round(v / 8)),
    "all zero": filled(0),
    "zeros of both signs": withAll(negative, -0, 0, -0, 0),
    "all zeros of both signs": filled(0).map(() => random.integer(2) ? 0 : -0),
    "denormals": withAll(filled(-TINY), TINY, 2 * TINY, -0),
    "the highest": withAll(plain, HIGHEST, HIGHEST),
    "the lowest": withAll(filled(-Infinity), -HIGHEST),
    "some -infinity": withAll(plain, -Infinity, -Infinity),
    "all -infinity": filled(-Infinity),
    "infinity": withAll(plain, Infinity),
    "NaN": withAll(plain, NaN),
    "NaN of the other sign": negativeNan(plain, at()),
    "NaN and infinities": withAll(plain, NaN, Infinity, -Infinity),
  };
}

function negativeNan(row: Float32Array, at: number): Float32Array {
  const changed = row.slice();
  new Uint32Array(changed.buffer)[at] = 0xffc0_0001;
  return changed;
}
