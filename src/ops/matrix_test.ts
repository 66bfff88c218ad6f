import { assertEquals, assertThrows } from "@std/assert";
import { type HqqScheme, matrixLayout, placeMatrices } from "./matrix.ts";

const HQQ = { type: "HQQ", bits: 4, axis: 0, scaleGroupSize: null } as const;

Deno.test("matrixLayout() says which groups do not fit a matrix", () => {
  const cases: readonly [HqqScheme, string][] = [
    [
      { ...HQQ, groupSize: 3 },
      "Cannot quantize w to 4 bits: the group size is 3, wanted a multiple of 2",
    ],
    [
      { ...HQQ, groupSize: 8 },
      "Cannot quantize w (12 x 20): its 12 rows do not divide into groups of 8, wanted a group size that divides 12",
    ],
    [
      { ...HQQ, groupSize: 4, scaleGroupSize: 7 },
      "Cannot quantize w (12 x 20): its 60 scales do not divide into groups of 7, wanted a scale group size that divides 60",
    ],
    [
      { ...HQQ, axis: 1, groupSize: 8 },
      "Cannot quantize w (12 x 20) along axis 1: its 20 inputs do not divide into groups of 8, wanted a multiple of 4 that divides 20",
    ],
    [
      { ...HQQ, axis: 1, groupSize: 10 },
      "Cannot quantize w (12 x 20) along axis 1: its 20 inputs do not divide into groups of 10, wanted a multiple of 4 that divides 20",
    ],
    [
      { ...HQQ, axis: 1, groupSize: 4, scaleGroupSize: 5 },
      "Cannot quantize w along axis 1: its scales are in groups of 5, wanted scales that are not quantized",
    ],
  ];
  for (const [scheme, message] of cases) {
    assertThrows(
      () => matrixLayout("w", [12, 20], scheme),
      RangeError,
      message,
    );
  }
});

Deno.test("matrixLayout() gives codes, scales and zeros room of their own", () => {
  const sizes = (scheme: HqqScheme) => {
    const { scaleAt, zeroAt, metaAt, wordCount } = matrixLayout(
      "w",
      [12, 20],
      scheme,
    );
    return [scaleAt, zeroAt, metaAt, wordCount];
  };
  // 6 packed rows of 20 bytes; 3 groups of 20 scales, in bytes and in floats.
  const groups = { groupSize: 4 } as const;
  assertEquals(sizes({ ...HQQ, ...groups, scaleGroupSize: 6 }), [
    32,
    32 + 16,
    32 + 16 + 16,
    32 + 16 + 16 + 24, // 10 meta scales, 10 meta zeros, 2 for all zeros
  ]);
  assertEquals(sizes({ ...HQQ, ...groups }), [32, 92, 152, 152]);
  // 5 groups in each of 12 rows.
  assertEquals(sizes({ ...HQQ, ...groups, axis: 1 }), [32, 92, 152, 152]);
});

Deno.test("placeMatrices() begins each at a multiple of 256 bytes", () => {
  assertEquals(
    placeMatrices([{ wordCount: 64 }, { wordCount: 68 }, { wordCount: 4 }]),
    { offsets: [0, 256, 768], byteLength: 1024 },
  );
  assertEquals(placeMatrices([]), { offsets: [], byteLength: 0 });
});
