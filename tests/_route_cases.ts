/** `route()`: which experts a token goes to, and a guess for the next layer. */

import { assertEquals } from "@std/assert";
import type { Gpu } from "../src/gpu/device.ts";
import { makeRouting, route } from "../src/ops/moe.ts";
import { makeRows } from "../src/ops/op.ts";
import { makeStepBuffers } from "../src/ops/step.ts";
import { assertWithin, expShare, magnitudes, sumShare } from "./_bounds.ts";
import {
  makeReader,
  padRows,
  runOps,
  SUMMING,
  upload,
  uploadRows,
} from "./_gpu.ts";
import { type KernelCase, TOKEN_COUNTS, TOKEN_LIMIT } from "./_kernel_case.ts";
import { type Random, withRandom } from "./_random.ts";
import {
  matvec,
  rmsNorm,
  route as routeReference,
} from "../src/model/plain_math.ts";

/** All cases of this file. */
export const ROUTE_CASES: readonly KernelCase[] = [
  {
    name: "route() picks the best experts, of equal ones the lower ids",
    kernels: ["route.wgsl", "lib/logits.wgsl"],
    summing: SUMMING,
    run: ({ gpu }) =>
      withRandom(9, async (random) => {
        for (
          const [expertCount, topK, width] of [
            [1, 1, 7],
            [2, 1, 64],
            [3, 3, 30],
            [8, 2, 130],
            [8, 8, 5],
            [60, 4, 33],
          ] as const
        ) await checkRoute(gpu, random, { expertCount, topK, width });
      }),
  },
  {
    name: "route() guesses the next layer's experts for a single token",
    kernels: ["route.wgsl", "lib/logits.wgsl"],
    summing: SUMMING,
    run: ({ gpu }) =>
      withRandom(12, async (random) => {
        for (const count of [1, 3, 8]) {
          await checkGuess(gpu, random, { expertCount: 8, count, width: 70 });
        }
      }),
  },
  {
    name: "route() takes one row under a norm, and keeps it",
    kernels: [
      "route.wgsl",
      "lib/x_normed.wgsl",
      "lib/x_plain.wgsl",
      "lib/tell_nobody.wgsl",
      "lib/tell_host.wgsl",
    ],
    summing: SUMMING,
    run: ({ gpu }) =>
      withRandom(13, async (random) => {
        for (const width of [5, 130, 1030]) {
          for (const isTold of [false, true]) {
            await checkNormedRoute(gpu, random, { width, isTold });
          }
        }
      }),
  },
];

/** For one token x is computed from what is before its norm, else it is there. */
async function checkNormedRoute(
  gpu: Gpu,
  random: Random,
  { width, isTold }: { width: number; isTold: boolean },
): Promise<void> {
  const [expertCount, topK, epsilon] = [6, 2, 1e-5];
  using readback = await gpu.readback(64);
  const direct = isTold ? await readback.direct(64) : null;
  assertEquals(direct !== null, isTold, "no host memory for kernels");
  const before = random.normal(width, 20);
  const weight = random.normal(width);
  const gate = random.normal(expertCount * width, 0.5);
  const nextGate = random.normal(expertCount * width);
  const routing = makeRouting(gpu, {
    tokenLimit: 2,
    expertCount,
    topK,
    direct,
  });
  const x = makeRows(gpu, "x", [2, width]);
  const op = await route(gpu, {
    x,
    beforeNorm: {
      x: uploadRows(gpu, before, width),
      norm: { weight: upload(gpu, padRows(weight, width)), epsilon },
    },
    width,
    gate: upload(gpu, padRows(gate, width)),
    routing,
    guess: { nextGate: upload(gpu, padRows(nextGate, width)), count: 3 },
  });
  const step = makeStepBuffers(gpu, 2);
  using reader = await makeReader(gpu, Math.max(64, x.buffer.size));
  runOps(gpu, [op], { step, tokenCount: 1 });
  const told = direct && new Uint32Array(await readback.wait(20, direct));
  const normed = rmsNorm(before, weight, epsilon);
  const kept = (await reader.floats(x.buffer)).subarray(0, width);
  assertWithin(kept, normed, {
    what: `norm of ${width}`,
    bounds: normed.map((v) => Math.abs(v) * sumShare(width)),
  });
  const wanted = routeReference(matvec(gate, normed), topK);
  const guess = routeReference(matvec(nextGate, normed), 3).ids;
  const ids = await reader.words(routing.ids);
  assertEquals([...ids.slice(0, topK + 3)], [...wanted.ids, ...guess]);
  if (told) assertEquals([...told], [...wanted.ids, ...guess]);
  const range = 2 * Math.max(...magnitudes(wanted.logits));
  const sizes = matvec(gate.map(Math.abs), magnitudes(normed));
  const share = 4 * (Math.max(...sizes) * sumShare(width) + expShare(range));
  assertWithin(
    (await reader.floats(routing.weights)).subarray(0, topK),
    wanted.weights,
    { what: "weights", bounds: wanted.weights.map((w) => w * share) },
  );
}

async function checkRoute(
  gpu: Gpu,
  random: Random,
  { expertCount, topK, width }: {
    expertCount: number;
    topK: number;
    width: number;
  },
): Promise<void> {
  const rows = Array.from({ length: TOKEN_LIMIT }, () => random.normal(width));
  rows[3]!.fill(0); // all logits are equal: experts 0, 1, …
  const gate = random.normal(expertCount * width, 0.5);
  const last = (expertCount - 1) * width;
  gate.copyWithin(last, 0, width); // the last expert ties with the first
  const routing = makeRouting(gpu, {
    tokenLimit: TOKEN_LIMIT,
    expertCount,
    topK,
  });
  const op = await route(gpu, {
    x: uploadRows(gpu, rows.flatMap((row) => [...row]), width),
    width,
    gate: upload(gpu, padRows(gate, width)),
    routing,
  });
  const step = makeStepBuffers(gpu, TOKEN_LIMIT);
  using reader = await makeReader(gpu, TOKEN_LIMIT * topK * 4);
  for (const tokenCount of TOKEN_COUNTS) {
    const zero = new Uint8Array(TOKEN_LIMIT * topK * 4);
    gpu.upload(routing.ids, zero);
    gpu.upload(routing.weights, zero);
    runOps(gpu, [op], { step, tokenCount });
    const what = `${topK} of ${expertCount} experts for ${tokenCount} tokens`;
    const wanted = rows.slice(0, tokenCount)
      .map((row) => routeReference(matvec(gate, row), topK));
    const count = tokenCount * topK;
    const ids = await reader.words(routing.ids);
    const weights = await reader.floats(routing.weights);
    assertEquals(
      [...ids.slice(0, count)],
      wanted.flatMap(({ ids }) => ids),
      what,
    );
    // An error of a logit is a relative error of each share, twice since shares
    // are divided by their sum.
    const bounds = wanted.flatMap(({ logits, weights }, t) => {
      const sizes = matvec(gate.map(Math.abs), magnitudes(rows[t]!));
      const range = 2 * Math.max(...magnitudes(logits));
      const share = 2 * (Math.max(...sizes) * sumShare(width) +
            expShare(range)) + sumShare(topK);
      return weights.map((weight) => weight * share);
    });
    assertWithin(
      weights.slice(0, count),
      wanted.flatMap(({ weights }) => weights),
      { what, bounds },
    );
    assertEquals([...ids.slice(count)].every((v) => v === 0), true, what);
  }
}

/** The guesses follow the ids; many tokens get none. */
async function checkGuess(
  gpu: Gpu,
  random: Random,
  { expertCount, count, width }: {
    expertCount: number;
    count: number;
    width: number;
  },
): Promise<void> {
  const topK = 2;
  const gate = random.normal(expertCount * width);
  const nextGate = random.normal(expertCount * width);
  nextGate.copyWithin(7 * width, 0, width); // experts 0 and 7 tie
  const routing = makeRouting(gpu, { tokenLimit: 2, expertCount, topK });
  const row = random.normal(width);
  const op = await route(gpu, {
    x: uploadRows(gpu, [...row, ...row], width),
    width,
    gate: upload(gpu, padRows(gate, width)),
    routing,
    guess: { nextGate: upload(gpu, padRows(nextGate, width)), count },
  });
  const step = makeStepBuffers(gpu, 2);
  using reader = await makeReader(gpu, (2 * topK + expertCount) * 4);
  const { ids } = routeReference(matvec(gate, row), topK);
  const guesses = routeReference(matvec(nextGate, row), count).ids;
  for (const tokenCount of [1, 2]) {
    const unset = Array(2 * topK + expertCount).fill(99);
    gpu.upload(routing.ids, new Uint8Array(Uint32Array.from(unset).buffer));
    runOps(gpu, [op], { step, tokenCount });
    const expected = tokenCount === 1 ? [...ids, ...guesses] : [...ids, ...ids];
    const actual = [...await reader.words(routing.ids)];
    assertEquals(actual.slice(0, unset.length), [
      ...expected,
      ...unset.slice(expected.length),
    ]);
  }
}
