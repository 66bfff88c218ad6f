import { assertAlmostEquals, assertEquals } from "@std/assert";
import { syntheticConfig } from "../model/synthetic_shapes.ts";
import { qualityRow } from "./quality_row.ts";

const WINDOW = { count: 1, start: 0, tokenCount: 511, byteLength: 2000 };

Deno.test("qualityRow() says how many bits a weight takes", () => {
  // mixtral-offloading's 4-bit attention and 2-bit experts: the bytes of its index.
  const row = qualityRow({
    config: syntheticConfig("mixtral-8x7b"),
    plan: {
      trunkByteLength: 1_240_277_504,
      expertByteLength: 16_999_517_184 / 256,
    },
    ...{ attnBits: 4, expertBits: 2, activations: "float32" },
    ...{ ranTokenCount: 512, loadMs: 1, timeMs: 256 },
    divergence: null,
    first: [{ ...WINDOW, index: 0, nll: 1.3 }],
    windows: [{ ...WINDOW, index: 0, nll: 1.5 }],
  });
  assertEquals(row.byteLength, 18_239_794_688);
  assertAlmostEquals(row.bitsPerExpertWeight, 3.0156, 1e-4);
  assertAlmostEquals(row.bitsPerWeight, 3.1244, 1e-4);
  assertAlmostEquals(row.change!.share, Math.exp(0.2) - 1);
  assertAlmostEquals(row.perplexity, Math.exp(1.5));
  assertEquals(row.tokensPerSecond, 2000);
});
