import {
  type Bits,
  dequantizeMeta,
  packCommon,
  quantize,
  unpack,
} from "hqq-ts";
import { assertEquals, assertMatch } from "@std/assert";
import { random, randomWeights } from "../hqq/_testdata.ts";
import { type CodeSample, suspectCodes } from "./code_statistics.ts";

/** Bits and groups of which both packings have the same number of bytes. */
const CASES = [
  { bits: 4, groupSize: 64, N: 256, K: 64 },
  { bits: 2, groupSize: 16, N: 64, K: 64 },
  { bits: 4, groupSize: 16, N: 64, K: 128 },
  { bits: 2, groupSize: 64, N: 256, K: 64 },
  { bits: 2, groupSize: 8, N: 48, K: 64 },
] as const;

/** Weights without a tail: the least that HQQ's zeros tell apart. */
function normalWeights(length: number, seed: number): Float32Array {
  const next = random(seed);
  return Float32Array.from(
    { length },
    () =>
      0.02 * Math.sqrt(-2 * Math.log(1 - next())) *
      Math.cos(2 * Math.PI * next()),
  );
}

function sampleOf(
  { bits, groupSize, N, K }: {
    bits: 8 | 4 | 3 | 2;
    groupSize: number;
    N: number;
    K: number;
  },
  { weights, axis = 0 }: { weights: Float32Array; axis?: 0 | 1 },
): CodeSample {
  const tensor = quantize(weights, {
    shape: [N, K],
    bits,
    axis,
    groupSize,
    quantScale: { groupSize: 64 },
    quantZero: {},
  });
  return {
    base: "w",
    shape: [N, K],
    part: { bits, axis, groupSize, scaleGroupSize: 64, packing: "block" },
    packed: tensor.packed,
    zero: dequantizeMeta(tensor.zero),
  };
}

function asCommon(sample: CodeSample): CodeSample {
  const { shape: [N, K], part } = sample;
  const bits = part.bits as Bits;
  const grouped = [part.groupSize, N * K / part.groupSize] as const;
  const codes = unpack(sample.packed, { bits, shape: grouped });
  return {
    ...sample,
    packed: packCommon(codes, { bits, shape: sample.shape }),
    part: { ...part, packing: "common" },
  };
}

for (const test of CASES) {
  const { bits, groupSize, N, K } = test;
  for (const makeWeights of [randomWeights, normalWeights]) {
    Deno.test(`suspectCodes() tells packings apart at ${bits} bits in groups of ${groupSize}, ${makeWeights.name}`, () => {
      for (let seed = 1; seed <= 5; seed++) {
        const weights = makeWeights(N * K, seed);
        const block = sampleOf(test, { weights });
        const common = asCommon(block);
        assertEquals(suspectCodes(block), null);
        assertEquals(suspectCodes(common), null);
        // Each taken for the other.
        assertMatch(
          suspectCodes({ ...common, part: block.part }) ?? "",
          /^its codes fit the common packing .* wanted the block packing$/,
        );
        assertMatch(
          suspectCodes({ ...block, part: common.part }) ?? "",
          /^its codes fit the block packing .* wanted the common packing$/,
        );
      }
    });
  }
}

Deno.test("suspectCodes() passes quantized weights of all bits and axes", () => {
  for (const bits of [8, 4, 3, 2] as const) {
    for (const axis of [0, 1] as const) {
      const test = { bits, groupSize: 32, N: 64, K: 64 };
      const weights = randomWeights(64 * 64, bits);
      assertEquals(suspectCodes(sampleOf(test, { weights, axis })), null);
    }
  }
});

Deno.test("suspectCodes() passes random codes around one zero", () => {
  for (const bits of [8, 4, 3, 2] as const) {
    const test = { bits, groupSize: 16, N: 64, K: 64 };
    const sample = sampleOf(test, { weights: randomWeights(64 * 64, bits) });
    const next = random(bits);
    const codes = sample.packed.map(() => Math.floor(next() * 2 ** 30));
    const zero = sample.zero.map(() =>
      (2 ** bits - 1) / 2 * (0.8 + 0.4 * next())
    );
    assertEquals(suspectCodes({ ...sample, packed: codes, zero }), null);
  }
});

Deno.test("suspectCodes() says what is wrong with codes and zeros", () => {
  const test = { bits: 4, groupSize: 16, N: 64, K: 64 } as const;
  const sample = sampleOf(test, { weights: randomWeights(64 * 64, 9) });
  for (
    const [change, says] of [
      [{ packed: sample.packed.map(() => 0) }, "codes span less than half"],
      [{ zero: sample.zero.map(() => 0.01) }, "its codes are off their zeros"],
      [{ zero: sample.zero.map(() => NaN) }, "no finite numbers"],
    ] as const
  ) {
    assertMatch(suspectCodes({ ...sample, ...change }) ?? "", RegExp(says));
  }
});
