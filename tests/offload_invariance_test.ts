/**
 * Offload invariance: whatever is evicted, wherever experts come from, whatever
 * was guessed, the answer is that of the fully resident model, to the bit.
 *
 * With `MOENO_ALL_WAYS=1` the tiny checkpoints go through the full product; with
 * `MOENO_LONG=1` the bundled model, too, through every place and policy.
 */

import { assert } from "@std/assert";
import type { ModelConfig } from "../src/model/config.ts";
import type { PolicyName } from "../src/offload/eviction.ts";
import { count } from "./_counts.ts";
import { type OffloadLab, type Way, withLab } from "./_offload_lab.ts";
import {
  assertSameBits,
  MODELS,
  talk,
  type Transcript,
  type Turn,
  TURNS,
} from "./_offload_talk.ts";
import { type Choices, covering, product } from "./_offload_ways.ts";
import { Random } from "./_random.ts";

const SEED = 3;

/** Whether there is time for everything. */
const isLong = Deno.env.has("MOENO_LONG");

/** Whether there is even more. */
const isFull = Deno.env.has("MOENO_ALL_WAYS");

const POLICIES: readonly PolicyName[] = ["lru", "lfu", "class-lru"];

/** Where experts are, and who decides which come and go. */
const PLACES: readonly Choice["place"][] = [
  { stores: ["pinned"], residency: "cpu" },
  { stores: ["pinned"], residency: "gpu" },
  { stores: ["pinned"], residency: "gpu", bankSlotLimit: 2 },
  { stores: ["array-buffer"], residency: "cpu" },
  { stores: ["disk"], residency: "cpu" },
  { stores: ["array-buffer", "pinned", "disk"], residency: "cpu" },
];

/** Fields of a way that belong together. */
interface Choice {
  readonly slots: readonly number[];
  readonly place: Pick<Way, "stores" | "residency" | "bankSlotLimit">;
  readonly policy: PolicyName;
  readonly ahead: Pick<
    Way,
    "prefetch" | "prefetchExperts" | "stagingSlotCount"
  >;
  readonly pieceCount: number;
  readonly chunkSize: number;
}

/** Off, and all numbers of experts with both buffer sizes. */
function aheads(topK: number): Choice["ahead"][] {
  const counts = Array.from({ length: topK }, (_, i) => i + 1);
  return [2, 4].flatMap((stagingSlotCount) => [
    ...(stagingSlotCount === 2
      ? [{ prefetch: "off" as const, prefetchExperts: 1, stagingSlotCount }]
      : []),
    ...counts.map((prefetchExperts) => ({
      prefetch: "next-layer" as const,
      prefetchExperts,
      stagingSlotCount,
    })),
  ]);
}

/** As many in every layer, from top-k on, and some mixtures. */
function slotLists(
  { numExpertsPerTok, numLocalExperts, numHiddenLayers }: ModelConfig,
): number[][] {
  const lists: number[][] = [];
  const next = isLong || isFull ? 1 : 2;
  for (let n = numExpertsPerTok; n < numLocalExperts; n += next) {
    lists.push(Array(numHiddenLayers).fill(n));
  }
  const mixtures = [
    [numExpertsPerTok, numLocalExperts - 1],
    [numLocalExperts, numExpertsPerTok + 1], // resident layers first
    [numExpertsPerTok, numLocalExperts], // and last
    [numExpertsPerTok, numExpertsPerTok, numLocalExperts], // in the middle
  ];
  for (const mixture of mixtures) {
    lists.push(
      Array.from(
        { length: numHiddenLayers },
        (_, i) => mixture[i % mixture.length]!,
      ),
    );
  }
  return lists.filter((list) => list.some((n) => n < numLocalExperts));
}

/** Runs ways until one gives other bits; counts what they went through. */
async function tryAll(
  lab: OffloadLab,
  { ways, turns }: { ways: readonly Choice[]; turns: readonly Turn[] },
): Promise<number> {
  const expected = new Map<number, Transcript>();
  const sums = { tokens: 0, evictions: 0, used: 0, wasted: 0 };
  const decided = { evictions: 0, used: 0, wasted: 0 }; // those by the GPU
  for (const { ahead, place, ...rest } of ways) {
    const way: Way = { ...rest, ...ahead, ...place };
    const { chunkSize } = way;
    if (!expected.has(chunkSize)) {
      using resident = await lab.resident(chunkSize);
      expected.set(chunkSize, await talk(resident, turns, SEED));
    }
    using model = await lab.offloaded(way);
    const actual = await talk(model, turns, SEED);
    const what = `seed ${SEED}, ${JSON.stringify(way)}`;
    assertSameBits(actual, expected.get(chunkSize)!, what);
    sums.tokens += actual.ids.length;
    for (const layer of model.offloadStats!.snapshot().layers) {
      for (const sum of way.residency === "gpu" ? [sums, decided] : [sums]) {
        sum.evictions += layer.evictions;
        sum.used += layer.byteLengths.prefetchUsed;
        sum.wasted += layer.byteLengths.prefetchWasted;
      }
    }
  }
  // Ways in which nothing happens would prove nothing.
  for (const key of ["evictions", "used", "wasted"] as const) {
    assert(sums[key] > decided[key] && decided[key] > 0, key);
  }
  return sums.tokens;
}

/** Registers a test over ways to offload a model. */
function invarianceTest(
  name: keyof typeof MODELS,
  { count: wayCount, turns, choicesOf }: {
    /** How many ways to try at least. */
    count: number;
    turns: readonly Turn[];
    choicesOf: (config: ModelConfig) => Choices<Choice>;
  },
): void {
  Deno.test(`Mixtral gives the same bits with any offloading of ${name}`, async () => {
    await withLab(MODELS[name], async (lab) => {
      const all = product(choicesOf(lab.config));
      const goesThroughAll = isFull && name !== "stories-17m-q";
      const ways = goesThroughAll
        ? all
        : covering(all, wayCount, new Random(SEED));
      count("offloading invariance", "cases tried", ways.length);
      const tokens = await tryAll(lab, { ways, turns });
      const perWay = turns.reduce((sum, turn) => sum + turn.answerLength, 0);
      assert(tokens >= ways.length * perWay / 2, `${tokens} tokens`);
    });
  });
}

invarianceTest("c_sw8_mqa", {
  count: isLong ? 120 : 40,
  turns: TURNS,
  choicesOf: (config) => ({
    slots: slotLists(config),
    place: PLACES,
    policy: POLICIES,
    ahead: aheads(config.numExpertsPerTok),
    pieceCount: [1, 7],
    chunkSize: [5, 16],
  }),
});

invarianceTest("a_gqa_8e", {
  count: isLong ? 60 : 40,
  turns: TURNS,
  choicesOf: (config) => ({
    slots: slotLists(config),
    place: PLACES,
    policy: POLICIES,
    ahead: aheads(config.numExpertsPerTok),
    pieceCount: [1, 7],
    chunkSize: [1, 24],
  }),
});

invarianceTest("stories-17m-q", {
  count: isLong ? 16 : 8,
  turns: [
    { keep: 0, promptLength: isLong ? 9 : 6, answerLength: isLong ? 8 : 5 },
    { keep: 5, promptLength: isLong ? 24 : 9, answerLength: isLong ? 7 : 4 },
  ],
  choicesOf: () => ({
    slots: [
      [2, 2, 2, 2, 2, 2],
      [2, 8, 3, 8, 8, 2], // 8 are all
      ...isLong ? [[5, 5, 5, 5, 5, 5], [3, 7, 4, 8, 2, 6]] : [],
    ],
    // The tiny checkpoints have gone through all of them.
    place: isLong ? PLACES : [PLACES[1]!, PLACES.at(-1)!],
    policy: isLong ? POLICIES : ["lru", "class-lru"],
    ahead: aheads(2).filter((_, i) => i % 2 === 0),
    pieceCount: [1, 5],
    chunkSize: [16, 7],
  }),
});
