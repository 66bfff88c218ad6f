import { assertAlmostEquals, assertEquals } from "@std/assert";
import { type ModelConfig, parseConfig } from "../model/config.ts";
import { OffloadStats } from "../offload/offload_stats.ts";
import type { Plan } from "../offload/placement.ts";
import { benchRow, type BenchRowInput } from "./bench_row.ts";
import type { Repetition } from "./bench_run.ts";

const CONFIG: ModelConfig = {
  ...parseConfig({ model_type: "mixtral" }, "a test"),
  numHiddenLayers: 2,
  vocabSize: 100,
};
const PLAN: Plan = {
  slots: [3, 3],
  residentLayers: [],
  slotCount: 6,
  stagingSlotCount: 4,
  stores: [{
    kind: "pinned",
    expertCount: 16,
    ramExpertCount: 16,
    ramByteLength: 160e6,
  }],
  residency: "gpu",
  expertByteLength: 10e6,
  slotsByteLength: 60e6,
  trunkByteLength: 50e6,
  kvByteLength: 64e6,
  scratchByteLength: 1e6,
  vramByteLength: 215e6,
  ramByteLength: 160e6,
  reasons: [],
};
const OFFLOAD = {
  layers: [0, 1],
  slots: [3, 3],
  stagingSlotCount: 4,
  store: {
    buffers: [],
    placeOf: () => null,
    homeOf: () => null,
    read: () => new Uint8Array(),
    [Symbol.dispose]: () => {},
  },
  policy: "lfu",
  residency: "gpu",
  prefetch: "off",
  prefetchExperts: 2,
  pieceByteLength: 1024,
} as const;

/** Ten tokens with some misses each second token. */
function repetition(tokensPerSecond: number, misses: number): Repetition {
  const stats = new OffloadStats(2);
  stats.countTokens(10);
  stats.countUses(0, { hits: 20 - misses, misses });
  stats.countUses(1, { hits: 20, misses: 0 });
  stats.countBytes(0, { cause: "demand", byteLength: misses * 10e6 });
  stats.countTimes({ submit: 5, readback: 35 });
  return {
    promptTokensPerSecond: 100,
    tokensPerSecond,
    waitMs: 40,
    offload: stats.snapshot(),
    ids: [],
  };
}

const INPUT: BenchRowInput = {
  config: CONFIG,
  model: {
    plan: PLAN,
    offload: OFFLOAD,
    attnBits: 4,
    expertBits: 2,
    embeddingByteLength: 10e6,
    linkGigabytesPerSecond: 50,
    profiler: null,
  },
  contextLength: 64,
  vramGigabytesPerSecond: 1000,
  promptTokens: 16,
  tokens: 10,
  repetitions: [repetition(100, 4), repetition(200, 6)],
};

Deno.test("benchRow() adds all repetitions up", () => {
  const row = benchRow(INPUT);
  assertEquals(row.tokensPerSecond.mean, 150);
  assertEquals(row.promptTokensPerSecond.deviation, 0);
  assertEquals(row.hitRate, 70 / 80);
  assertEquals(row.missesPerToken, 0.5);
  assertEquals(row.linkByteLengthPerToken, 5e6);
  assertEquals(row.waitMsPerToken, 4);
  assertEquals(row.hostMsPerToken!.submit, 0.5);
  assertEquals(row.hostMsPerToken!.readback, 3.5);
  assertEquals(row.offload!.tokenCount, 20);
  assertEquals(
    [row.policy, row.prefetch, row.residency, row.stores, row.slots],
    ["lfu", "off", "gpu", ["pinned"], [3, 3]],
  );
});

Deno.test("benchRow() compares the mean with the roofline", () => {
  const row = benchRow(INPUT);
  // Trunk without the embedding but for a row, 2 experts in 2 layers, and the
  // keys and values of 21.5 positions of 1 MB each.
  const active = 40e6 + 0.1e6 + 4 * 10e6 + 21.5 * 1e6;
  assertAlmostEquals(row.activeByteLength, active, 1);
  assertAlmostEquals(row.roofline.linkMs, 5 / 50, 1e-9);
  assertAlmostEquals(row.roofline.vramMs, active / 1e9, 1e-9);
  assertAlmostEquals(row.rooflineShare, 150 / (1000 / 0.1016), 1e-6);
});

Deno.test("benchRow() has no numbers of a link where all experts are on the GPU", () => {
  const row = benchRow({
    ...INPUT,
    model: {
      ...INPUT.model,
      plan: { ...PLAN, slots: [8, 8], residentLayers: [0, 1], stores: [] },
      offload: null,
      linkGigabytesPerSecond: null,
    },
    repetitions: [{ ...repetition(100, 0), offload: null }],
  });
  assertEquals(row.tokensPerSecond.deviation, null);
  const { hitRate, missesPerToken, linkByteLengthPerToken } = row;
  assertEquals([hitRate, missesPerToken, linkByteLengthPerToken], [
    null,
    null,
    null,
  ]);
  assertEquals([row.offload, row.hostMsPerToken, row.stores], [
    null,
    null,
    null,
  ]);
  assertEquals([row.policy, row.prefetch, row.residency], [null, null, null]);
  assertEquals(row.roofline.linkMs, 0);
});
