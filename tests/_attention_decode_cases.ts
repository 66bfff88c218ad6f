/** Attention of a single token, rotary positions and the cache included. */

import { assert } from "@std/assert";
import type { Gpu, GpuOptions } from "../src/gpu/device.ts";
import { type AttentionShape, ropeAngles } from "../src/ops/attention.ts";
import {
  attentionDecode,
  type AttentionDecodeOptions,
  fitsLanes,
} from "../src/ops/attention_decode.ts";
import {
  attentionPartsByteLength,
  attentionSplit,
} from "../src/ops/attention_split.ts";
import { makeRows, type Op } from "../src/ops/op.ts";
import { padded } from "../src/ops/padded.ts";
import { makeStepBuffers } from "../src/ops/step.ts";
import { attentionBounds, padHeads, shapeName } from "./_attention_cases.ts";
import { assertWithin, magnitudes, ROUNDING } from "./_bounds.ts";
import {
  makeReader,
  runOps,
  STRIPS,
  SUMMING,
  upload,
  uploadRows,
} from "./_gpu.ts";
import type { KernelCase } from "./_kernel_case.ts";
import { type Random, withRandom } from "./_random.ts";
import {
  attention as attentionReference,
  rope,
} from "../src/model/plain_math.ts";

/** Heads that fit subgroups of 8; larger ones where subgroups are larger. */
const SHAPES: readonly AttentionShape[] = [
  { headDim: 8, headCount: 3, kvHeadCount: 1 },
  { headDim: 16, headCount: 4, kvHeadCount: 2 },
  { headDim: 32, headCount: 2, kvHeadCount: 2 },
  { headDim: 64, headCount: 4, kvHeadCount: 1 },
  { headDim: 128, headCount: 8, kvHeadCount: 2 },
];
/** Some of them, and heads that share k and v with more than 3 others. */
const SPLIT_SHAPES: readonly AttentionShape[] = [
  { headDim: 16, headCount: 10, kvHeadCount: 2 },
  { headDim: 16, headCount: 3, kvHeadCount: 1 },
  { headDim: 32, headCount: 2, kvHeadCount: 2 },
  { headDim: 128, headCount: 8, kvHeadCount: 2 },
];
/** Heads that fit no subgroups. */
const UNFIT_SHAPES: readonly AttentionShape[] = [
  { headDim: 10, headCount: 4, kvHeadCount: 2 },
  { headDim: 80, headCount: 2, kvHeadCount: 1 },
];

/** None, some, a round of 4 positions a state and more, a long context. */
const POSITIONS = [0, 1, 2, 31, 130, 300];
const CONTEXT = 301;

const LANES = [
  "lib/attention_lanes.wgsl",
  "lib/attention_state.wgsl",
  "lib/step.wgsl",
];
const DECODE = [
  "attention_decode.wgsl",
  "lib/attention_states.wgsl",
  ...LANES,
];
const MERGE = [
  "attention_merge.wgsl",
  "lib/attention_split.wgsl",
  "lib/attention_states.wgsl",
];

/** All cases of this file. */
export const ATTENTION_DECODE_CASES: readonly KernelCase[] = [
  ...[
    { what: "in one subgroup", options: { wideWorkgroups: false } },
    { what: "in several", options: STRIPS },
  ].map(({ what, options }: { what: string; options: GpuOptions }) => ({
    name: `attentionDecode() rotates, appends and attends, ${what}`,
    kernels: DECODE,
    summing: [],
    options,
    run: ({ gpu }: { gpu: Gpu }) =>
      checkShapes(gpu, { make: attentionDecode, shapes: SHAPES }),
  })),
  ...[undefined, 2, 7].map((partCount) => ({
    name: `attentionSplit() does so in ${partCount ?? "many"} parts`,
    kernels: [
      "attention_part.wgsl",
      "lib/attention_heads.wgsl",
      ...LANES,
      ...MERGE,
    ],
    summing: [],
    options: STRIPS,
    run: ({ gpu }: { gpu: Gpu }) =>
      checkShapes(gpu, {
        make: splitInto(partCount),
        shapes: SPLIT_SHAPES.filter(({ headDim }) => fitsLanes(gpu, headDim)),
      }),
  })),
  {
    name: "attentionSplit() does so where heads fit no lanes",
    kernels: [
      "attention.wgsl",
      "lib/attention_state.wgsl",
      "lib/step.wgsl",
      "rope_kv.wgsl",
      ...MERGE,
    ],
    summing: SUMMING.slice(1).map((summing) => ({
      ...summing,
      options: { ...summing.options, ...STRIPS },
    })),
    run: ({ gpu }) =>
      checkShapes(gpu, { make: splitInto(), shapes: UNFIT_SHAPES }),
  },
];

type Make = (
  gpu: Gpu,
  options: AttentionDecodeOptions,
) => Promise<Op | null> | null;

function splitInto(partCount?: number): Make {
  return (gpu, options) =>
    attentionSplit(gpu, {
      ...options,
      ...(partCount === undefined ? {} : { partCount }),
      parts: gpu.storageBuffer(
        "parts",
        attentionPartsByteLength(gpu, options),
      ),
    });
}

async function checkShapes(
  gpu: Gpu,
  { make, shapes }: { make: Make; shapes: readonly AttentionShape[] },
): Promise<void> {
  await withRandom(14, async (random) => {
    let count = 0;
    for (const shape of shapes) {
      for (const window of [0, 1, 40]) {
        count += Number(
          await checkDecode(gpu, random, { make, shape, window }),
        );
      }
    }
    assert(gpu.subgroupSize === 0 || count > 0, "no shape fits");
  });
}

/** Returns whether the shape fits the subgroups of this GPU. */
async function checkDecode(
  gpu: Gpu,
  random: Random,
  { make, shape, window }: {
    make: Make;
    shape: AttentionShape;
    window: number;
  },
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
  const flat = (rows: readonly Float32Array[]) => padHeads(rows, headDim);
  const cache = { k: upload(gpu, flat(keys)), v: upload(gpu, flat(values)) };
  const y = makeRows(gpu, "y", [1, q.length]);
  const step = makeStepBuffers(gpu, 1);
  const op = await make(gpu, {
    ...shape,
    q: uploadRows(gpu, q, q.length),
    k: uploadRows(gpu, k, kvWidth),
    v: uploadRows(gpu, v, kvWidth),
    rotated: gpu.storageBuffer("rotated", headCount * padded(headDim) * 4),
    angles: upload(gpu, ropeAngles(CONTEXT, { headDim, ropeTheta })),
    cache,
    y,
    window,
    step: step.step,
  });
  if (op === null) return false;
  using reader = await makeReader(gpu, cache.k.size);
  for (const position of POSITIONS) {
    gpu.upload(cache.k, new Uint8Array(flat(keys).buffer));
    gpu.upload(cache.v, new Uint8Array(flat(values).buffer));
    runOps(gpu, [op], { step, tokenCount: 1, position });
    const what = `${shapeName(shape)}, position ${position}, window ${window}`;
    const turn = (row: Float32Array) =>
      rope(row, { headDim, position, ropeTheta });
    const own = Float32Array.from(turn(k));
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
    const expected = (rows: readonly Float32Array[], at: Float32Array) =>
      flat(rows.with(position, at));
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
