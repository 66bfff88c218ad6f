/** Attention at the last of 32,768 positions: rotations, and all that it sees. */

import { assert } from "@std/assert";
import type { Gpu, GpuOptions } from "../src/gpu/device.ts";
import {
  attention as attentionReference,
  rope,
} from "../src/model/plain_math.ts";
import {
  attentionByTile,
  attentionByToken,
  type AttentionShape,
  ropeAngles,
} from "../src/ops/attention.ts";
import { attentionDecode } from "../src/ops/attention_decode.ts";
import {
  attentionPartsByteLength,
  attentionSplit,
} from "../src/ops/attention_split.ts";
import { attentionWide } from "../src/ops/attention_wide.ts";
import { makeRows, type Op } from "../src/ops/op.ts";
import { padded } from "../src/ops/padded.ts";
import { makeStepBuffers } from "../src/ops/step.ts";
import { attentionBounds } from "./_attention_cases.ts";
import { assertWithin, magnitudes, ROUNDING } from "./_bounds.ts";
import { count } from "./_counts.ts";
import {
  gpuTest,
  makeReader,
  runOps,
  STRIPS,
  upload,
  uploadRows,
} from "./_gpu.ts";
import { IS_LONG } from "./_kernel_case.ts";
import { Random } from "./_random.ts";

const SEED = 61;

const seededTest: typeof gpuTest = (name, ...rest) =>
  gpuTest(`${name}, seed ${SEED}`, ...rest);
const CONTEXT = 32_768;

/** e^(i angle)^n by squaring: no sine of a large angle. */
function power(angle: number, n: number): [cos: number, sin: number] {
  let [x, y] = [1, 0];
  let [a, b] = [Math.cos(angle), Math.sin(angle)];
  for (let left = n; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) [x, y] = [x * a - y * b, x * b + y * a];
    [a, b] = [a * a - b * b, 2 * a * b];
  }
  return [x, y];
}

Deno.test("ropeAngles() are right to the last bit of float32, also at position 32,767", () => {
  const headDim = 16;
  for (const ropeTheta of [10_000, 1e6]) {
    const angles = ropeAngles(CONTEXT, { headDim, ropeTheta });
    for (const position of [1, 4095, 4096, 16_384, 32_766, 32_767]) {
      for (let i = 0; i < headDim / 2; i++) {
        const wanted = power(ropeTheta ** (-2 * i / headDim), position);
        const at = position * headDim + 2 * i;
        for (const part of [0, 1] as const) {
          const error = Math.abs(angles[at + part]! - wanted[part]);
          assert(error < 1.01 * ROUNDING, `${position}, ${i}: ${error}`);
        }
        count("numbers", "cases tried", 1);
      }
    }
  }
});

const SHAPE: AttentionShape = { headDim: 16, headCount: 4, kvHeadCount: 1 };
const { headDim, headCount, kvHeadCount } = SHAPE;
/** Each is a pipeline of its own. */
const WINDOWS = IS_LONG ? [0, 4096] : [0];

/** Keys and values of all positions, and their magnitudes. */
const longCache = once(() => {
  const random = new Random(SEED);
  const rows = () =>
    Array.from({ length: CONTEXT }, () => random.normal(headDim, 1.5));
  const [keys, values] = [rows(), rows()];
  const flat = (rows: readonly Float32Array[]) => {
    const all = new Float32Array(CONTEXT * headDim);
    for (const [i, row] of rows.entries()) all.set(row, i * headDim);
    return all;
  };
  const sizes = { keys: keys.map(magnitudes), values: values.map(magnitudes) };
  return { keys, values, sizes, k: flat(keys), v: flat(values) };
});

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => made ??= make();
}

/** What the reference says of a query, and how far float32 may be from it. */
function attend(
  q: Float32Array | Float64Array,
  { keys, values, sizes }: Omit<ReturnType<typeof longCache>, "k" | "v">,
  { end, window }: { end: number; window: number },
) {
  // The reference goes through all rows; the window is cut here.
  const range = [window === 0 ? 0 : end - window, end] as const;
  const seen = { keys: keys.slice(...range), values: values.slice(...range) };
  const options = { headCount, kvHeadCount, window: 0 };
  const seenSizes = {
    keys: sizes.keys.slice(...range),
    values: sizes.values.slice(...range),
  };
  return {
    expected: attentionReference(q, seen.keys, seen.values, options),
    bounds: attentionBounds({ q, ...seen, sizes: seenSizes }, options),
  };
}

const MANY: readonly [string, GpuOptions, typeof attentionByTile][] = [
  ["attentionByToken", {}, attentionByToken],
  ["attentionByTile", {}, attentionByTile],
  ["attentionWide", STRIPS, (...options) => attentionWide(...options)!],
];

for (const [name, options, make] of MANY) {
  seededTest(
    `${name}() is softmax(q k^T) v of the last of 32,768 positions`,
    async ({ gpu }) => {
      const random = new Random(SEED + 1);
      const T = 2;
      const all = longCache();
      const q = Array.from(
        { length: T },
        () => random.normal(headCount * headDim),
      );
      const y = makeRows(gpu, "y", [T, headCount * headDim]);
      const step = makeStepBuffers(gpu, T);
      const cache = { k: upload(gpu, all.k), v: upload(gpu, all.v) };
      const rotated = upload(
        gpu,
        Float32Array.from(q.flatMap((row) => [...row])),
      );
      using reader = await makeReader(gpu, y.buffer.size);
      for (const window of WINDOWS) {
        const op = await make(gpu, {
          ...{ ...SHAPE, rotated, cache, y, window, step: step.step },
        });
        const position = CONTEXT - T;
        runOps(gpu, [op], { step, tokenCount: T, position });
        const rows = q.map((row, t) => {
          return attend(row, all, { end: position + t + 1, window });
        });
        assertWithin(
          await reader.floats(y.buffer),
          rows.flatMap(({ expected }) => [...expected]),
          {
            what: `window ${window}`,
            bounds: rows.flatMap(({ bounds }) => [...bounds]),
          },
        );
        count("numbers", "cases tried", 1);
      }
    },
    options,
  );
}

type MakeOne = (
  gpu: Gpu,
  options: Parameters<typeof attentionDecode>[1],
) => Promise<Op | null> | null;

const ONE: readonly [string, MakeOne][] = [
  ["attentionDecode", attentionDecode],
  ["attentionSplit", (gpu, options) =>
    attentionSplit(gpu, {
      ...options,
      parts: gpu.storageBuffer("parts", attentionPartsByteLength(gpu, SHAPE)),
    })],
];

for (const [name, make] of ONE) {
  seededTest(
    `${name}() rotates by position 32,767, and sees all before it`,
    async ({ gpu }) => {
      const random = new Random(SEED);
      const all = longCache();
      const q = random.normal(headCount * headDim);
      const [ownKey, ownValue] = [
        random.normal(headDim),
        random.normal(headDim),
      ];
      const ropeTheta = 1e6;
      const y = makeRows(gpu, "y", [1, q.length]);
      const step = makeStepBuffers(gpu, 1);
      using reader = await makeReader(gpu, y.buffer.size);
      const position = CONTEXT - 1;
      const turn = (row: Float32Array) =>
        rope(row, { headDim, position, ropeTheta });
      const ownRow = Float32Array.from(turn(ownKey));
      const seen = {
        keys: all.keys.with(position, ownRow),
        values: all.values.with(position, ownValue),
        sizes: {
          keys: all.sizes.keys.with(position, magnitudes(ownRow)),
          values: all.sizes.values.with(position, magnitudes(ownValue)),
        },
      };
      for (const window of WINDOWS) {
        const op = await make(gpu, {
          ...SHAPE,
          q: uploadRows(gpu, q, q.length),
          k: uploadRows(gpu, ownKey, headDim),
          v: uploadRows(gpu, ownValue, headDim),
          angles: upload(gpu, ropeAngles(CONTEXT, { headDim, ropeTheta })),
          cache: { k: upload(gpu, all.k), v: upload(gpu, all.v) },
          rotated: gpu.storageBuffer(
            "rotated",
            headCount * padded(headDim) * 4,
          ),
          ...{ y, window, step: step.step },
        });
        if (op === null) return; // no subgroups here
        runOps(gpu, [op], { step, tokenCount: 1, position });
        const { expected, bounds } = attend(turn(q), seen, {
          end: CONTEXT,
          window,
        });
        assertWithin(await reader.floats(y.buffer), expected, {
          what: `window ${window}`,
          bounds: bounds.map((bound) => 2 * bound + 8 * ROUNDING),
        });
        count("numbers", "cases tried", 1);
      }
    },
    STRIPS,
  );
}
