/** `ropeKv()`: positions into q and k, k and v into the cache. */

import type { Gpu } from "../src/gpu/device.ts";
import {
  type AttentionShape,
  ropeAngles,
  ropeKv,
} from "../src/ops/attention.ts";
import { padded } from "../src/ops/padded.ts";
import { makeStepBuffers } from "../src/ops/step.ts";
import {
  ATTENTION_SHAPES,
  padHeads,
  POSITIONS,
  shapeName,
} from "./_attention_cases.ts";
import { assertWithin, ROUNDING } from "./_bounds.ts";
import { makeReader, runOps, upload, uploadRows } from "./_gpu.ts";
import { type KernelCase, TOKEN_LIMIT } from "./_kernel_case.ts";
import { type Random, withRandom } from "./_random.ts";
import { rope } from "../src/model/plain_math.ts";

/** All cases of this file. */
export const ROPE_CASES: readonly KernelCase[] = [
  ...ATTENTION_SHAPES.map((shape) => ({
    name: `ropeKv() turns q and k and fills the cache, ${shapeName(shape)}`,
    kernels: ["rope_kv.wgsl", "lib/step.wgsl"],
    summing: [],
    run: ({ gpu }: { gpu: Gpu }) =>
      withRandom(5, (random) => checkRopeKv(gpu, random, shape)),
  })),
];

async function checkRopeKv(
  gpu: Gpu,
  random: Random,
  shape: AttentionShape,
): Promise<void> {
  const { headDim, headCount, kvHeadCount } = shape;
  const ropeTheta = 10_000;
  const context = Math.max(...POSITIONS) + TOKEN_LIMIT;
  const rowsOf = (width: number) =>
    Array.from({ length: TOKEN_LIMIT }, () => random.normal(width));
  const q = rowsOf(headCount * headDim);
  const k = rowsOf(kvHeadCount * headDim);
  const v = rowsOf(kvHeadCount * headDim);
  const flat = (rows: Float32Array[]) => rows.flatMap((row) => [...row]);
  const kvByteLength = context * kvHeadCount * padded(headDim) * 4;
  const cache = {
    k: gpu.storageBuffer("k", kvByteLength),
    v: gpu.storageBuffer("v", kvByteLength),
  };
  const rotated = gpu.storageBuffer(
    "rotated",
    TOKEN_LIMIT * headCount * padded(headDim) * 4,
  );
  const step = makeStepBuffers(gpu, TOKEN_LIMIT);
  const op = await ropeKv(gpu, {
    ...shape,
    q: uploadRows(gpu, flat(q), headCount * headDim),
    k: uploadRows(gpu, flat(k), kvHeadCount * headDim),
    v: uploadRows(gpu, flat(v), kvHeadCount * headDim),
    rotated,
    angles: upload(gpu, ropeAngles(context, { headDim, ropeTheta })),
    cache,
    step: step.step,
  });
  using reader = await makeReader(
    gpu,
    Math.max(kvByteLength, rotated.size),
  );
  for (const position of POSITIONS) {
    for (const tokenCount of [1, 2, 33, TOKEN_LIMIT]) {
      for (const buffer of [rotated, cache.k, cache.v]) {
        gpu.device.queue.writeBuffer(buffer, 0, new Uint8Array(buffer.size));
      }
      runOps(gpu, [op], { step, tokenCount, position });
      const turned = (row: Float32Array, t: number) =>
        rope(row, { headDim, position: position + t, ropeTheta });
      for (
        const { name, buffer, rows, first } of [
          { name: "q", buffer: rotated, rows: q.map(turned), first: 0 },
          { name: "k", buffer: cache.k, rows: k.map(turned), first: position },
          { name: "v", buffer: cache.v, rows: v, first: position },
        ]
      ) {
        const actual = await reader.floats(buffer);
        const expected = new Float64Array(actual.length);
        const wanted = rows.slice(0, tokenCount);
        const start = first * padHeads(wanted.slice(0, 1), headDim).length;
        expected.set(padHeads(wanted, headDim), start);
        assertWithin(actual, expected, {
          what: `${name} of ${tokenCount} tokens from ${position}`,
          // v is copied; q and k are below 8: cos and sin are rounded, then two
          // products and their sum.
          bounds: name === "v" ? 0 : 8 * 4 * ROUNDING,
        });
      }
    }
  }
}
