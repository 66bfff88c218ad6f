/** Attention of a single token, rotary positions and the cache included. */

import { assert } from "@std/assert";
import type { Gpu, GpuOptions } from "../src/gpu/device.ts";
import { type AttentionShape, ropeAngles } from "../src/ops/attention.ts";
import { makeRows } from "../src/ops/op.ts";
import { attentionDecode } from "../src/ops/self_attention.ts";
import { makeStepBuffers } from "../src/ops/step.ts";
import { attentionBounds, shapeName } from "./_attention_cases.ts";
import { assertWithin, magnitudes, ROUNDING } from "./_bounds.ts";
import { makeReader, runOps, STRIPS, upload, uploadRows } from "./_gpu.ts";
import type { KernelCase } from "./_kernel_case.ts";
import { type Random, withRandom } from "./_random.ts";
import { attention as attentionReference, rope } from "./reference.ts";

/** Heads that fit subgroups of 8; larger ones where subgroups are larger. */
const SHAPES: readonly AttentionShape[] = [
  { headDim: 8, headCount: 3, kvHeadCount: 1 },
  { headDim: 16, headCount: 4, kvHeadCount: 2 },
  { headDim: 32, headCount: 2, kvHeadCount: 2 },
  { headDim: 64, headCount: 4, kvHeadCount: 1 },
  { headDim: 128, headCount: 8, kvHeadCount: 2 },
];

/** None, some, a round of 4 positions a state and more, a long context. */
const POSITIONS = [0, 1, 2, 31, 130, 300];
const CONTEXT = 301;

/** All cases of this file. */
export const ATTENTION_DECODE_CASES: readonly KernelCase[] = [
  { what: "in one subgroup", options: { wideWorkgroups: false } },
  { what: "in several", options: STRIPS },
].map(({ what, options }: { what: string; options: GpuOptions }) => ({
  name: `attentionDecode() rotates, appends and attends, ${what}`,
  kernels: ["attention_decode.wgsl", "lib/step.wgsl"],
  summing: [],
  options,
  run: ({ gpu }: { gpu: Gpu }) =>
    withRandom(14, async (random) => {
      let count = 0;
      for (const shape of SHAPES) {
        for (const window of [0, 1, 40]) {
          count += Number(await checkDecode(gpu, random, { shape, window }));
        }
      }
      assert(gpu.subgroupSize === 0 || count > 0, "no shape fits");
    }),
}));

/** Returns whether the shape fits the subgroups of this GPU. */
async function checkDecode(
  gpu: Gpu,
  random: Random,
  { shape, window }: { shape: AttentionShape; window: number },
): Promise<boolean> {
  const { headDim, headCount, kvHeadCount } = shape;
  const ropeTheta = 10_000;
  const kvWidth = kvHeadCount * headDim;
  const q = random.normal(headCount * headDim);
  const k = random.normal(kvWidth);
  const v = random.normal(kvWidth);
  const rowsOf = () =>
    Array.from({ length: CONTEXT }, () => random.normal(kvWidth));
  const [keys, values] = [rowsOf(), rowsOf()];
  const flat = (rows: readonly Float32Array[]) =>
    Float32Array.from(rows.flatMap((row) => [...row]));
  const cache = { k: upload(gpu, flat(keys)), v: upload(gpu, flat(values)) };
  const y = makeRows(gpu, "y", [1, q.length]);
  const step = makeStepBuffers(gpu, 1);
  const op = await attentionDecode(gpu, {
    ...shape,
    q: uploadRows(gpu, q, q.length),
    k: uploadRows(gpu, k, kvWidth),
    v: uploadRows(gpu, v, kvWidth),
    rotated: gpu.storageBuffer("not used", 16),
    angles: upload(gpu, ropeAngles(CONTEXT, { headDim, ropeTheta })),
    cache,
    y,
    window,
    step: step.step,
  });
  if (op === null) return false;
  using reader = await makeReader(gpu, CONTEXT * kvWidth * 4);
  for (const position of POSITIONS) {
    gpu.upload(cache.k, new Uint8Array(flat(keys).buffer));
    gpu.upload(cache.v, new Uint8Array(flat(values).buffer));
    runOps(gpu, [op], { step, tokenCount: 1, position });
    const what = `${shapeName(shape)}, position ${position}, window ${window}`;
    const turn = (row: Float32Array) =>
      rope(row, { headDim, position, ropeTheta });
    const own = turn(k);
    const seenKeys = [...keys.slice(0, position), own];
    const seenValues = [...values.slice(0, position), v];
    const options = { headCount, kvHeadCount, window };
    const query = turn(q);
    const bounds = attentionBounds({
      q: query,
      keys: seenKeys,
      values: seenValues,
      sizes: {
        keys: seenKeys.map(magnitudes),
        values: seenValues.map(magnitudes),
      },
    }, options);
    assertWithin(
      (await reader.floats(y.buffer)).subarray(0, q.length),
      attentionReference(query, seenKeys, seenValues, options),
      // Rotation rounds twice more.
      { what, bounds: bounds.map((bound) => 2 * bound + 8 * ROUNDING) },
    );
    const expected = (rows: readonly Float32Array[], at: ArrayLike<number>) => {
      const all = Float64Array.from(flat(rows));
      all.set(at, position * kvWidth);
      return all;
    };
    assertWithin(await reader.floats(cache.k), expected(keys, own), {
      what: `keys, ${what}`,
      bounds: 8 * 4 * ROUNDING,
    });
    assertWithin(await reader.floats(cache.v), expected(values, v), {
      what: `values, ${what}`,
      bounds: 0,
    });
  }
  return true;
}
