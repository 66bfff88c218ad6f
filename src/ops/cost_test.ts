import { assertEquals } from "@std/assert";
import { attentionCost, productCost } from "./cost.ts";

const LAYOUT = { N: 10, K: 6, wordCount: 20 };

Deno.test("productCost() counts each weight once, and a row for each token", () => {
  const trunk = { layouts: [LAYOUT], pickCount: 1, rowsPerToken: 1 };
  assertEquals(productCost(trunk, 1), { byteLength: 80, flops: 120 });
  assertEquals(productCost(trunk, 7), { byteLength: 80, flops: 840 });
  const experts = {
    layouts: [LAYOUT, LAYOUT],
    pickCount: 8,
    rowsPerToken: 2,
  };
  assertEquals(productCost(experts, 1), { byteLength: 320, flops: 480 });
  assertEquals(productCost(experts, 50), { byteLength: 1280, flops: 24_000 });
});

Deno.test("attentionCost() counts the positions that tokens see", () => {
  const shape = { headDim: 6, headCount: 4, kvHeadCount: 2, window: 0 };
  // A position takes 2 x 2 heads of 8 floats: 128 bytes.
  const at = (position: number, tokenCount: number, window = 0) =>
    attentionCost({ ...shape, window }, tokenCount, position);
  assertEquals(at(0, 1), { byteLength: 128, flops: 96 });
  assertEquals(at(9, 1), { byteLength: 1280, flops: 960 });
  assertEquals(at(2, 3), { byteLength: 640, flops: 96 * (3 + 4 + 5) });
  assertEquals(at(9, 1, 4), { byteLength: 512, flops: 96 * 4 });
  assertEquals(at(9, 3, 4), { byteLength: 768, flops: 96 * 12 });
  assertEquals(attentionCost(shape, 1, undefined), {});
});
