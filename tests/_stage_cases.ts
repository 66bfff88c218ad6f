/** Parts of guessed experts: which the router names, and how they are brought in. */

import { assert, assertEquals } from "@std/assert";
import type { Gpu } from "../src/gpu/device.ts";
import { ExpertCache } from "../src/offload/expert_cache.ts";
import { stagedIn, writeBlock } from "../src/offload/residency_block.ts";
import type { ExpertLayout } from "../src/ops/expert_layout.ts";
import { stagePart } from "../src/ops/stage.ts";
import { makeReader, SUMMING, upload } from "./_gpu.ts";
import type { KernelCase } from "./_kernel_case.ts";
import { type Random, withRandom } from "./_random.ts";
import { guessesFor, type LabShape, makeLab } from "./_residency_lab.ts";

const NONE = 0xffffffff;
const SHAPE: LabShape = {
  expertCount: 8,
  topK: 2,
  policy: "lru",
  halfLife: 128,
  isNormed: false,
  guessCount: 3,
};

/** All cases of this file. */
export const STAGE_CASES: readonly KernelCase[] = [
  {
    name: "route() names the first guess without a slot to be staged",
    kernels: ["lib/stage_guess.wgsl"],
    summing: SUMMING.slice(0, 1),
    run: ({ gpu }) =>
      withRandom(61, async (random) => {
        for (const lookCount of [0, 1, 2, 3]) {
          await checkChoice(gpu, random, lookCount);
        }
      }),
  },
  {
    name: "stagePart() copies what is to be staged and nothing else",
    kernels: ["stage.wgsl"],
    summing: [],
    run: ({ gpu }) => withRandom(62, (random) => checkParts(gpu, random)),
  },
];

/** Tokens one by one: a miss of what was staged before says how much of it was. */
async function checkChoice(
  gpu: Gpu,
  random: Random,
  lookCount: number,
): Promise<void> {
  const staged = { least: 5, most: 11, lookCount };
  using lab = await makeLab(gpu, { ...SHAPE, staged });
  const cache = new ExpertCache(4, SHAPE);
  const next = new ExpertCache(5, SHAPE);
  next.acquire([0, 1]);
  next.acquire([6, 7]);
  const words = new Uint32Array(lab.layout.wordCount);
  writeBlock(lab.layout, next, words);
  lab.write(words.slice(), true);
  writeBlock(lab.layout, cache, words);
  lab.write(words);
  const tokens = Array.from({ length: 400 }, () => {
    const first = random.integer(8);
    return [first, (first + 1 + random.integer(7)) % 8];
  });
  let [expert, count] = [NONE, 0];
  const counts = new Set<number>();
  for (const [t, told] of (await lab.run(tokens)).entries()) {
    const ids = tokens[t]!;
    const missing = cache.missing(ids);
    cache.acquire(ids);
    for (let i = 0; i < ids.length; i++) {
      const [, , id, state] = told.uses.slice(i * 4, i * 4 + 4);
      const share = id === expert ? count : 0;
      assertEquals(state, missing.includes(id!) ? 1 + share : 0, `token ${t}`);
      if (state! > 1) counts.add(state! - 1);
    }
    assertEquals(stagedIn(told.block), { expert, byteLength: count * 16 });
    const looked = guessesFor(ids, SHAPE).slice(0, lookCount);
    expert = next.missing(looked)[0] ?? NONE;
    count = expert === NONE ? 0 : missing.length === 0 ? 11 : 5;
    assertEquals(told.staged, [expert, count], `token ${t}, ${lookCount}`);
  }
  assert(lookCount === 0 || counts.size === 2, `${[...counts]}`);
}

/** Experts of 8 vec4s in a pool of two parts; pieces of 5 and 3. */
async function checkParts(gpu: Gpu, random: Random): Promise<void> {
  for (const total of [8, 40_000]) {
    const layout = { wordCount: total * 4 } as ExpertLayout;
    const split = total * 5 / 8;
    const values = () =>
      Uint32Array.from(random.integers(6 * total * 4, 2 ** 31));
    const words = [values(), values()] as const;
    const pool = [
      { firstExpert: 0, count: 2, index: 3, buffer: upload(gpu, words[0]) },
      { firstExpert: 2, count: 5, index: 0, buffer: upload(gpu, words[1]) },
    ];
    const uses = gpu.storageBuffer("uses", 4 * 16);
    using reader = await makeReader(gpu, total * 16);
    for (
      const [expert, count] of [[1, total], [2, total], [4, split], [NONE, 0], [
        5,
        split + 1,
      ]] as const
    ) {
      const named = Uint32Array.of(expert, count, 0, 0);
      gpu.upload(uses, new Uint8Array(named.buffer), 2 * 16);
      for (const [first, end] of [[0, split], [split, total]] as const) {
        const buffer = gpu.storageBuffer("area", (end - first) * 16);
        const op = await stagePart(gpu, {
          layout,
          topK: 2,
          pool,
          uses,
          part: { buffer, count: end - first },
          first,
          before: [],
        });
        const commands = gpu.device.createCommandEncoder();
        const pass = commands.beginComputePass();
        op.encode(pass, 1);
        pass.end();
        gpu.device.queue.submit([commands.finish()]);
        const part = pool[expert < 2 ? 0 : 1]!;
        const at = (part.index + expert - part.firstExpert) * total * 4;
        const expected = new Uint32Array((end - first) * 4);
        const copied = Math.max(0, Math.min(end, count) - first) * 4;
        const source = words[expert < 2 ? 0 : 1];
        if (copied > 0) {
          expected.set(source.subarray(at + first * 4).subarray(0, copied));
        }
        const actual = (await reader.words(buffer)).subarray(
          0,
          expected.length,
        );
        assert(
          expected.every((word, i) => word === actual[i]),
          `expert ${expert}, ${count} vec4s, part from ${first}`,
        );
      }
    }
  }
}
