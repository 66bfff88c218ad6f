/** Norms and routers on hard numbers: zeros, squares that overflow, ties. */

import { assert, assertEquals } from "@std/assert";
import {
  matvec,
  rmsNorm as rmsNormReference,
  route as routeReference,
} from "../src/model/plain_math.ts";
import { linear } from "../src/ops/linear.ts";
import { makeRouting, route } from "../src/ops/moe.ts";
import { rmsNorm } from "../src/ops/norm.ts";
import { makeRows } from "../src/ops/op.ts";
import { makeStepBuffers } from "../src/ops/step.ts";
import { assertWithin, sumShare } from "./_bounds.ts";
import { count } from "./_counts.ts";
import { gpuTest, makeReader, runOps, upload, uploadRows } from "./_gpu.ts";
import { floatMatrix, uploadMatrix } from "./_matrices.ts";
import { Random } from "./_random.ts";

const SEED = 41;
const [N, K] = [64, 64];

const seededTest: typeof gpuTest = (name, ...rest) =>
  gpuTest(`${name}, seed ${SEED}`, ...rest);

/** Rows of x, their norms, and whether float32 holds their squares. */
const NORM_ROWS: readonly [what: string, factor: number, fits: boolean][] = [
  ["zeros", 0, true],
  ["numbers whose squares are zero", 1e-30, true],
  ["subnormals", 1e-41, true],
  ["large numbers", 1e18, true],
  ["numbers whose squares overflow", 1e20, false],
  ["the largest numbers", 1e37, false],
];

seededTest(
  "rmsNorm(), linear() and route() take the norm of any row, and hide no overflow",
  async ({ gpu }) => {
    const random = new Random(SEED);
    const epsilon = 1e-5;
    const [weight, gate] = [random.normal(K), random.normal(8 * K)];
    const weights = random.normal(N * K);
    const x = makeRows(gpu, "x", [2, K]);
    const y = makeRows(gpu, "y", [2, K]);
    const out = makeRows(gpu, "out", [2, N]);
    const step = makeStepBuffers(gpu, 2);
    const norm = { weight: upload(gpu, weight), epsilon };
    const ops = {
      rmsNorm: await rmsNorm(gpu, {
        ...{ x, y, width: K, step: step.step },
        ...norm,
      }),
      linear: await linear(gpu, {
        matrix: uploadMatrix(
          gpu,
          floatMatrix(weights, { N, K }, { type: "F32" }),
        ),
        ...{ x: y, y: out, step: step.step },
        beforeNorm: { x, norm },
      }),
    };
    const routing = makeRouting(gpu, {
      tokenLimit: 2,
      expertCount: 8,
      topK: 2,
    });
    const kept = makeRows(gpu, "kept", [2, K]);
    const router = await route(gpu, {
      ...{ x: kept, width: K, gate: upload(gpu, gate), routing },
      beforeNorm: { x, norm },
    });
    using reader = await makeReader(gpu, out.buffer.size);
    for (const [what, factor, fits] of NORM_ROWS) {
      const row = random.normal(K).map((v) => v * factor);
      gpu.upload(x.buffer, new Uint8Array(row.slice().buffer));
      runOps(gpu, [ops.rmsNorm], { step, tokenCount: 1 });
      const normed = (await reader.floats(y.buffer)).subarray(0, K).slice();
      runOps(gpu, [ops.linear, router], { step, tokenCount: 1 });
      const products = (await reader.floats(out.buffer)).subarray(0, N);
      const shares = (await reader.floats(routing.weights)).subarray(0, 2);
      if (fits) {
        const exact = rmsNormReference(row, weight, epsilon);
        const bounds = exact.map((v) => Math.abs(v) * sumShare(K) + 1e-36);
        assertWithin(normed, exact, { what, bounds });
        const size = matvec(weights.map(Math.abs), exact.map(Math.abs));
        assertWithin(products, matvec(weights, exact), {
          what,
          bounds: size.map((v) => 2 * v * sumShare(K) + 1e-35),
        });
        assert(Math.abs(shares[0]! + shares[1]! - 1) < 1e-6, what);
      } else {
        for (const values of [normed, products, shares]) {
          assert(values.every(Number.isNaN), `${what}: ${values}`);
        }
      }
      count("numbers", "cases tried", 3);
    }
  },
);

seededTest(
  "route() picks of equal logits what the reference picks, however large",
  async ({ gpu }) => {
    const random = new Random(SEED);
    const E = 8;
    const row = random.normal(K);
    const x = uploadRows(gpu, [...row, ...new Float32Array(K)], K);
    const step = makeStepBuffers(gpu, 2);
    const rowOf = (factor: number) => row.map((v) => v * factor);
    const gates: Record<string, Float32Array[]> = {
      "all equal": Array.from({ length: E }, () => rowOf(1)),
      "equal in pairs": Array.from(
        { length: E },
        (_, e) => rowOf((e >> 1) % 3),
      ),
      "all zero": Array.from({ length: E }, () => rowOf(0)),
      "huge": Array.from({ length: E }, (_, e) => rowOf(1e30 * (e % 3))),
      "huge and negative": Array.from(
        { length: E },
        (_, e) => rowOf(-1e34 * e),
      ),
      "a sign apart": Array.from(
        { length: E },
        (_, e) => rowOf(e % 2 ? 0 : -0),
      ),
    };
    const routing = makeRouting(gpu, {
      tokenLimit: 2,
      expertCount: E,
      topK: 3,
    });
    using reader = await makeReader(gpu, routing.ids.size);
    const gate = upload(gpu, new Float32Array(E * K));
    const op = await route(gpu, { x, width: K, gate, routing });
    for (const [what, rows] of Object.entries(gates)) {
      const values = Float32Array.from(rows.flatMap((row) => [...row]));
      gpu.upload(gate, new Uint8Array(values.buffer));
      runOps(gpu, [op], { step, tokenCount: 2 });
      const ids = [...await reader.words(routing.ids)].slice(0, 6);
      const shares = (await reader.floats(routing.weights)).subarray(0, 6);
      for (const [t, input] of [row, new Float32Array(K)].entries()) {
        const wanted = routeReference(matvec(values, input), 3);
        assertEquals(ids.slice(3 * t, 3 * t + 3), [...wanted.ids], what);
        assertWithin(shares.subarray(3 * t, 3 * t + 3), wanted.weights, {
          what,
          bounds: 1e-6,
        });
        count("numbers", "cases tried", 1);
      }
    }
  },
);
