import { assert, assertEquals } from "@std/assert";
import { matrixLayout, type Scheme } from "./matrix.ts";
import { fewWay, isForFew, wideWay } from "./matmul_ways.ts";

const SCHEME: Scheme = {
  type: "HQQ",
  bits: 2,
  axis: 0,
  groupSize: 16,
  scaleGroupSize: 128,
};

Deno.test("isForFew() takes few rows, and many where the other way has few workgroups", () => {
  const up = wideWay(matrixLayout("w1", [14_336, 4096], SCHEME));
  const k = wideWay(matrixLayout("k", [1024, 4096], SCHEME));
  assert(isForFew(up, { rowCount: 4, pickCount: 8 }));
  assert(!isForFew(up, { rowCount: 128, pickCount: 8 }));
  assert(isForFew(k, { rowCount: 512, pickCount: 1 }));
  assert(!isForFew(k, { rowCount: 4096, pickCount: 1 }));
});

Deno.test("wideWay() has a workgroup for every 128 outputs, or for 64 of two matrices", () => {
  const layout = matrixLayout("w", [14_336, 4096], SCHEME);
  assertEquals(wideWay(layout).tiles, 112);
  assertEquals(wideWay(layout, layout.wordCount).tiles, 224);
  const odd = matrixLayout("w", [131, 64], { type: "F32" });
  assertEquals(wideWay(odd).tiles, 2);
});

Deno.test("fewWay() refuses what its kernel does not read", () => {
  assert(fewWay(matrixLayout("w", [128, 256], SCHEME)) !== null);
  for (
    const [shape, scheme] of [
      [[128, 264], { ...SCHEME, scaleGroupSize: 11 }], // inputs
      [[16, 80], { ...SCHEME, scaleGroupSize: 10 }], // 8 meta scales
      [[128, 256], { ...SCHEME, groupSize: 4, scaleGroupSize: 128 }], // rows
      [[128, 256], { ...SCHEME, scaleGroupSize: null }],
      [[128, 256], { ...SCHEME, axis: 1, scaleGroupSize: null }],
      [[128, 256], { ...SCHEME, bits: 3, scaleGroupSize: 128 }],
      [[128, 256], { type: "F16" }],
    ] as const
  ) {
    assertEquals(fewWay(matrixLayout("w", shape, scheme as Scheme)), null);
  }
});
