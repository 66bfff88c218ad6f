import { assertAlmostEquals, assertEquals } from "@std/assert";
import { type ModelConfig, parseConfig } from "../model/config.ts";
import { activeByteLength, roofline } from "./roofline.ts";

const CONFIG: ModelConfig = {
  ...parseConfig({ model_type: "mixtral" }, "a test"),
  numHiddenLayers: 3,
  numExpertsPerTok: 2,
  vocabSize: 10,
  slidingWindow: null,
};
const BYTES = {
  trunkByteLength: 5000,
  embeddingByteLength: 1000,
  expertByteLength: 70,
  positionByteLength: 8,
  firstPosition: 16,
  tokenCount: 5,
};

Deno.test("roofline() is what the link allows where it is slower", () => {
  const { linkMs, vramMs, tokensPerSecond } = roofline({
    missesPerToken: 10,
    expertByteLength: 70e6,
    activeByteLength: 5e9,
    linkGigabytesPerSecond: 50,
    vramGigabytesPerSecond: 2500,
  });
  assertAlmostEquals(linkMs, 14, 1e-9); // 0.7 GB at 50 GB/s
  assertAlmostEquals(vramMs, 2, 1e-9);
  assertAlmostEquals(tokensPerSecond, 1000 / 14, 1e-9);
});

Deno.test("roofline() is what VRAM allows where nothing is missed", () => {
  const limits = {
    expertByteLength: 70e6,
    activeByteLength: 5e9,
    vramGigabytesPerSecond: 2500,
  };
  for (
    const run of [
      { missesPerToken: 0, linkGigabytesPerSecond: 50 },
      { missesPerToken: 0, linkGigabytesPerSecond: null },
    ]
  ) {
    const result = roofline({ ...limits, ...run });
    assertEquals([result.linkMs, result.vramMs], [0, 2]);
    assertEquals(result.tokensPerSecond, 500);
  }
});

Deno.test("activeByteLength() adds up what one token reads", () => {
  // Positions 17 to 21 are seen, 19 on average; of the embedding one row.
  const wanted = 5000 - 1000 + 100 + 3 * 2 * 70 + 19 * 8;
  assertEquals(activeByteLength(CONFIG, BYTES), wanted);
});

Deno.test("activeByteLength() reads a tied embedding whole", () => {
  const tied = { ...CONFIG, tieWordEmbeddings: true };
  assertEquals(
    activeByteLength(tied, BYTES) - activeByteLength(CONFIG, BYTES),
    BYTES.embeddingByteLength,
  );
});

Deno.test("activeByteLength() sees no more than the sliding window", () => {
  const sliding = { ...CONFIG, slidingWindow: 18 };
  const seen = (17 + 18 + 18 + 18 + 18) / 5;
  assertAlmostEquals(
    activeByteLength(CONFIG, BYTES) - activeByteLength(sliding, BYTES),
    (19 - seen) * 8,
    1e-9,
  );
});
