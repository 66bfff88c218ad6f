/** Attention on hard numbers: huge and equal scores, keys and values that are none. */

import { assert } from "@std/assert";
import type { GpuOptions } from "../src/gpu/device.ts";
import { attention as attentionReference } from "../src/model/plain_math.ts";
import { attentionByTile, attentionByToken } from "../src/ops/attention.ts";
import { attentionWide } from "../src/ops/attention_wide.ts";
import { makeRows } from "../src/ops/op.ts";
import { makeStepBuffers } from "../src/ops/step.ts";
import { assertWithin } from "./_bounds.ts";
import { count } from "./_counts.ts";
import { gpuTest, makeReader, runOps, STRIPS, upload } from "./_gpu.ts";
import { Random } from "./_random.ts";

const SEED = 43;

const seededTest: typeof gpuTest = (name, ...rest) =>
  gpuTest(`${name}, seed ${SEED}`, ...rest);

/** Attention of many tokens, by how the GPU is opened and who computes it. */
const ATTENTIONS: readonly [string, GpuOptions, typeof attentionByTile][] = [
  ["attentionByToken", {}, attentionByToken],
  ["attentionByTile", {}, attentionByTile],
  ["attentionWide", STRIPS, (...options) => attentionWide(...options)!],
];

for (const [name, options, make] of ATTENTIONS) {
  seededTest(
    `${name}() takes huge and equal scores, and hides no NaN`,
    async ({ gpu }) => {
      const D = 8;
      const T = 40;
      const random = new Random(SEED);
      const values = Array.from({ length: T }, () => random.normal(D));
      const y = makeRows(gpu, "y", [T, D]);
      const step = makeStepBuffers(gpu, T);
      const zeros = new Float32Array(T * D);
      const [rotated, k, v] = [zeros, zeros, zeros].map((z) => upload(gpu, z));
      const op = await make(gpu, {
        ...{ headDim: D, headCount: 1, kvHeadCount: 1, window: 0 },
        ...{ rotated: rotated!, cache: { k: k!, v: v! }, y, step: step.step },
      });
      using reader = await makeReader(gpu, y.buffer.size);
      const set = (buffer: GPUBuffer, rows: readonly Float32Array[]) => {
        const flat = Float32Array.from(rows.flatMap((row) => [...row]));
        gpu.upload(buffer, new Uint8Array(flat.buffer));
      };
      const first = (value: number) => new Float32Array(D).with(0, value);
      const run = async (
        queries: readonly Float32Array[],
        keys: readonly Float32Array[],
        vs: readonly Float32Array[] = values,
      ) => {
        set(rotated!, queries);
        set(k!, keys);
        set(v!, vs);
        runOps(gpu, [op], { step, tokenCount: T });
        count("numbers", "cases tried", 1);
        return await reader.floats(y.buffer);
      };
      // Scores of position j are factor * j: the last wins, the first, or none.
      const keys = values.map((_, j) => first(j));
      for (const factor of [0, 1, -1, 1e10, -1e10, 1e36, -1e36]) {
        const queries = values.map(() => first(factor));
        const expected = queries.flatMap((q, t) => [
          ...attentionReference(
            q,
            keys.slice(0, t + 1),
            values.slice(0, t + 1),
            {
              headCount: 1,
              kvHeadCount: 1,
              window: 0,
            },
          ),
        ]);
        assertWithin(await run(queries, keys), expected, {
          what: `scores of ${factor} j`,
          bounds: 1e-4,
        });
      }
      // A key or a value that is none: tokens that see it get none, others need not.
      // A key that is infinite may lose against all others.
      const queries = values.map(() => random.normal(D));
      const plain = values.map(() => random.normal(D));
      const at = 33;
      const nan = values.with(at, first(NaN));
      const infinite = values.with(at, first(Infinity));
      for (
        const [what, ks, vs] of [
          ["a NaN key", nan, values],
          ["a NaN value", plain, nan],
          ["an infinite value", plain, infinite],
        ] as const
      ) {
        const result = await run(queries, ks, vs);
        for (let t = at; t < T; t++) {
          const row = result.subarray(t * D, (t + 1) * D);
          assert(!row.every(Number.isFinite), `${what}, token ${t}: ${row}`);
        }
      }
    },
    options,
  );
}
