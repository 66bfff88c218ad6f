/** The router decides which experts are brought in, as `ExpertCache` would. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Gpu } from "../src/gpu/device.ts";
import { POLICIES, type PolicyName } from "../src/offload/eviction.ts";
import { ExpertCache } from "../src/offload/expert_cache.ts";
import { readBlock, writeBlock } from "../src/offload/residency_block.ts";
import { expertsAt, parseTrace } from "../src/offload/routing_trace.ts";
import { editKernels, SUMMING } from "./_gpu.ts";
import type { KernelCase } from "./_kernel_case.ts";
import { type Random, withRandom } from "./_random.ts";
import {
  checkTokens,
  guessesFor,
  type Lab,
  type LabShape,
  makeLab,
} from "./_residency_lab.ts";

const POLICY_NAMES = Object.keys(POLICIES) as PolicyName[];

/** Half-lives: one that ages run far past, one in which counts reach their end. */
const SHAPES: readonly Omit<LabShape, "policy">[] = [
  { expertCount: 8, topK: 2, halfLife: 5, isNormed: true, guessCount: 3 },
  { expertCount: 4, topK: 3, halfLife: 1000, isNormed: false, guessCount: 0 },
  { expertCount: 60, topK: 4, halfLife: 128, isNormed: false, guessCount: 0 },
];
const [MIXTRAL] = SHAPES as [Omit<LabShape, "policy">];

/** All cases of this file. */
export const RESIDENCY_CASES: readonly KernelCase[] = [
  ...POLICY_NAMES.map((policy): KernelCase => ({
    name: `route() decides to the word as ExpertCache with ${policy}`,
    kernels: [
      "route.wgsl",
      "lib/residency.wgsl",
      "lib/stage_nothing.wgsl",
    ],
    summing: SUMMING,
    run: ({ gpu, hasFewShapes }) =>
      withRandom(21, async (random) => {
        for (const shape of hasFewShapes ? [MIXTRAL] : SHAPES) {
          using lab = await makeLab(gpu, { ...shape, policy });
          for (const slotCount of slotCountsOf(shape)) {
            await checkPatterns(lab, random, slotCount);
          }
          if (shape === MIXTRAL) await checkTrace(lab);
        }
      }),
  })),
  {
    name: "route() only logs where the host decides",
    kernels: ["lib/residency.wgsl"],
    summing: SUMMING.slice(0, 1),
    run: ({ gpu }) =>
      withRandom(22, async (random) => {
        using lab = await makeLab(gpu, { ...MIXTRAL, policy: "lru" });
        await checkLogOnly(lab, random);
      }),
  },
  {
    name: "route() decides nothing for several tokens",
    kernels: ["lib/residency.wgsl", "lib/tell_nobody.wgsl"],
    summing: SUMMING.slice(0, 1),
    run: async ({ gpu }) => {
      using lab = await makeLab(gpu, { ...MIXTRAL, policy: "lru" });
      const words = blockAfter(lab, [[0, 1], [2, 3]]);
      lab.write(words);
      const { block, uses } = await lab.runTogether([[4, 5], [6, 7]]);
      assertEquals([...block], [...words]);
      assertEquals(uses, Array(8).fill(0));
    },
  },
  {
    name: "a wrong rule in residency.wgsl does not pass for ExpertCache",
    kernels: ["route.wgsl"],
    summing: SUMMING.slice(0, 1),
    run: ({ gpu }) =>
      withRandom(23, async (random) => {
        for (const mutation of MUTATIONS) {
          await checkMutation(gpu, random, mutation);
        }
      }),
  },
];

/** From as many as a token needs to all but one. */
function slotCountsOf(
  { topK, expertCount }: { topK: number; expertCount: number },
): number[] {
  const middle = Math.floor((topK + expertCount) / 2);
  return [...new Set([topK, topK + 1, middle, expertCount - 1])]
    .filter((count) => count < expertCount);
}

/** Distinct experts of [0, expertCount), drawn until there are enough. */
function distinct(count: number, draw: () => number): number[] {
  const ids = new Set<number>();
  while (ids.size < count) ids.add(draw());
  return [...ids];
}

/** The experts of tokens one after the other. */
function patternsOf(
  random: Random,
  { expertCount, topK, halfLife }: LabShape,
  slotCount: number,
): Record<string, number[][]> {
  const tokens = (count: number, idsOf: (t: number) => number[]) =>
    Array.from({ length: count }, (_, t) => idsOf(t));
  const from = (first: number) =>
    Array.from({ length: topK }, (_, i) => (first + i) % expertCount);
  const draws = {
    even: () => random.integer(expertCount),
    skewed: () => Math.floor(expertCount * random.next() ** 3),
  };
  return {
    random: tokens(60, () => distinct(topK, draws.even)),
    skewed: tokens(60, () => distinct(topK, draws.skewed)),
    cyclic: tokens(60, (t) => from(t * topK)),
    "one after the other": tokens(40, (t) => from(t)),
    alternate: tokens(20, (t) => from(t % 2 * slotCount)),
    "the same": tokens(20, () => from(1)),
    "the same, ranks turned": tokens(
      20,
      (t) => t % 2 === 0 ? from(0) : from(0).reverse(),
    ),
    // Decayed uses reach 16 bits where they decay slowly.
    "the same for long": tokens(halfLife < 1000 ? 1 : 300, () => from(2)),
    "after a long time": tokens(40, () => distinct(topK, draws.skewed)),
  };
}

/** Each pattern begins where the host left the cache after the last one. */
async function checkPatterns(
  lab: Lab,
  random: Random,
  slotCount: number,
): Promise<void> {
  const { topK, expertCount } = lab.shape;
  const cache = new ExpertCache(slotCount, lab.shape);
  const patterns = patternsOf(random, lab.shape, slotCount);
  for (const [name, tokens] of Object.entries(patterns)) {
    if (name === "after a long time") {
      // Ages beyond 24 bits, and beyond 31 half-lives.
      cache.restore({ ...cache.save(), clock: 2 ** 25 });
    }
    try {
      await checkPattern(lab, cache, tokens);
    } catch (error) {
      const { message } = error as Error;
      throw new Error(
        `${topK} of ${expertCount}, ${slotCount} slots, ${name}: ${message}`,
        { cause: error },
      );
    }
    cache.drop([random.integer(expertCount)]);
    cache.touch([random.integer(expertCount)]);
    cache.seed(random.integers(topK, expertCount));
    cache.drop(random.integers(2, expertCount));
  }
}

/** In the end, another cache can go on where the GPU is. */
async function checkPattern(
  lab: Lab,
  cache: ExpertCache,
  tokens: readonly number[][],
): Promise<void> {
  const block = await checkTokens(lab, cache, tokens);
  const twin = new ExpertCache(cache.slotCount, lab.shape);
  readBlock(lab.layout, block, twin);
  assertEquals(twin.save(), cache.save());
}

/** The routing of a real model. */
async function checkTrace(lab: Lab): Promise<void> {
  const path = new URL("testdata/routing/stories_17m.trace", import.meta.url);
  const trace = parseTrace(await Deno.readFile(path));
  assertEquals([trace.expertCount, trace.topK], [8, 2]);
  for (const [layer, slotCount] of [[0, 3], [5, 5]] as const) {
    const cache = new ExpertCache(slotCount, lab.shape);
    const tokens = Array.from(
      { length: trace.tokenCount },
      (_, token) => expertsAt(trace, { token, layer }),
    );
    await checkTokens(lab, cache, tokens);
    assert(cache.hits > 0.3 * 2 * trace.tokenCount, `${cache.hits} hits`);
  }
}

/** A slot count of 0 leaves all but the log as it is. */
async function checkLogOnly(lab: Lab, random: Random): Promise<void> {
  const { layout, shape } = lab;
  const words = blockAfter(lab, [[0, 1], [2, 3]]);
  words[0] = 0;
  lab.write(words);
  const tokens = Array.from(
    { length: 9 },
    () => distinct(2, () => random.integer(8)),
  );
  for (const [t, told] of (await lab.run(tokens)).entries()) {
    words.set(tokens[t]!, layout.ids);
    words.set(told.weightBits, layout.weights);
    words.set(guessesFor(tokens[t]!, shape), layout.guess);
    assertEquals([...told.block], [...words]);
    assertEquals(told.uses, Array(8).fill(0));
    assertEquals(told.weightBits.includes(0), false);
  }
}

/** The block of a cache with 4 slots that had these tokens. */
function blockAfter(
  { layout, shape }: Lab,
  tokens: readonly number[][],
): Uint32Array<ArrayBuffer> {
  const cache = new ExpertCache(4, shape);
  for (const ids of tokens) cache.acquire(ids);
  const words = new Uint32Array(layout.wordCount);
  writeBlock(layout, cache, words);
  return words;
}

/** A rule, how it might be wrong, and the policy that shows it. */
type Mutation = readonly [right: string, wrong: string, policy: PolicyName];

const MUTATIONS: readonly Mutation[] = [
  ["other < slot", "other > slot", "lfu"],
  ["vec2u(NAMED, 0u)", "vec2u(HELD, score[id])", "lfu"],
  ["vec2u(EMPTY, 0u)", "vec2u(HELD, NONE)", "lru"],
  ["+ 0x8000u", "", "lru"],
  [" + 256u, 0xffffu)", " + 256u, 0x1ffffu)", "lru"],
  ["age % HALF_LIFE", "0u", "lru"],
  ["age / HALF_LIFE, 31u", "age / HALF_LIFE, 1u", "lru"],
  ["block[CLOCK] + 1u - last", "block[CLOCK] - last", "class-lru"],
  ["min(age, 0xffffffu)", "age", "class-lru"],
  ["decayed >> 8u", "decayed >> 9u", "class-lru"],
  ["select(use_count[id], 0u, is_missing)", "use_count[id]", "lru"],
  ["block[SLOT_OF + evicted] = NONE;", "", "lru"],
  ["taken[before]", "taken[rank]", "lru"],
  ["select(1u, 0u, id_of", "select(1u, 1u, id_of", "lru"],
];

/** A router with a wrong rule must fail the checks. */
async function checkMutation(
  gpu: Gpu,
  random: Random,
  [right, wrong, policy]: Mutation,
): Promise<void> {
  using _edited = editKernels(gpu, ({ name, code }) => {
    if (name !== "lib/residency.wgsl") return { name, code };
    assert(code.includes(right), right);
    return { name: `${name}: ${right}`, code: code.replace(right, wrong) };
  });
  await assertRejects(
    async () => {
      for (const shape of SHAPES.slice(0, 2)) {
        using lab = await makeLab(gpu, { ...shape, policy });
        for (const slotCount of slotCountsOf(shape)) {
          await checkPatterns(lab, random, slotCount);
        }
      }
    },
    Error,
    " slots, ",
    `${wrong} for ${right}`,
  );
}
