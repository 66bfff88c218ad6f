import { assert, assertEquals, assertThrows } from "@std/assert";
import { random, randomWeights, rmsError } from "./_testdata.ts";
import {
  type Bits,
  dequantize,
  dequantizeMeta,
  quantize,
  type QuantizeOptions,
} from "./mod.ts";

const ALL_BITS: readonly Bits[] = [8, 4, 3, 2, 1];

Deno.test("quantize without optimizing errs by half a scale at most", () => {
  const seed = 7;
  const next = random(seed);
  for (let round = 0; round < 60; round++) {
    const options = {
      shape: [[64, 48], [96, 64], [128, 8]][round % 3] as [number, number],
      bits: ALL_BITS[round % ALL_BITS.length]!,
      groupSize: [8, 16, 32, 64, null][Math.floor(next() * 5)]!,
      axis: next() < 0.5 ? 0 : 1,
      roundZero: false,
      optimize: false,
    } as const;
    const [N, K] = options.shape;
    const w = randomWeights(N * K, seed + round);
    const tensor = quantize(w, options);
    const restored = dequantize(tensor);
    const scale = dequantizeMeta(tensor.scale);
    const memberCount = w.length / scale.length;
    w.forEach((x, i) => {
      const g = options.axis === 0
        ? i % scale.length
        : Math.floor(i / memberCount);
      // The rounding of zero and of code - zero comes on top: 255 * 2^-23 scales.
      const bound = scale[g]! * (0.5 + 255 * 2 ** -23);
      assert(
        Math.abs(x - restored[i]!) <= bound,
        `seed ${seed}, round ${round}, weight ${i}: ${x} became ${restored[i]}`,
      );
    });
  }
});

Deno.test("quantize with the solver comes closer than without, or as close", () => {
  const shape = [256, 128] as const;
  const w = randomWeights(256 * 128, 11);
  for (const bits of [4, 3, 2, 1] as const) {
    for (const axis of [0, 1] as const) {
      const options = { shape, bits, axis, groupSize: bits > 2 ? 64 : 16 };
      const plain = dequantize(quantize(w, { ...options, optimize: false }));
      const optimized = dequantize(quantize(w, options));
      assert(
        rmsError(optimized, w) < rmsError(plain, w),
        `${bits} bits, axis ${axis}`,
      );
    }
  }
});

Deno.test("quantize loses little by quantizing scales and zeros", () => {
  const shape = [256, 256] as const;
  const w = randomWeights(256 * 256, 13);
  for (const axis of [0, 1] as const) {
    const options = { shape, bits: 2, groupSize: 16, axis } as const;
    const plain = quantize(w, options);
    const meta = quantize(w, { ...options, quantScale: {}, quantZero: {} });
    assert(!(meta.scale instanceof Float32Array));
    assert(!(meta.zero instanceof Float32Array));
    assertEquals(meta.packed, plain.packed);
    assertEquals(meta.scale.shape, axis === 0 ? [1, 4096] : [4096, 1]);
    assertEquals(meta.scale.scale.length, 4096 / 128);
    assertEquals(meta.zero.scale.length, 1);
    const loss = rmsError(dequantize(meta), w) / rmsError(dequantize(plain), w);
    assert(loss < 1.01, `axis ${axis}: ${loss}`);
  }
});

Deno.test("quantize without channels uses one scale and never optimizes", () => {
  const w = randomWeights(64 * 8, 17);
  const options = { shape: [64, 8], bits: 8, channelWise: false } as const;
  const tensor = quantize(w, options);
  assertEquals([dequantizeMeta(tensor.scale).length], [1]);
  assertEquals(tensor, quantize(w, { ...options, optimize: false }));
  const scale = dequantizeMeta(tensor.scale)[0]!;
  assert(rmsError(dequantize(tensor), w) < scale);
});

Deno.test("quantize with no group size takes whole columns or rows", () => {
  const w = randomWeights(64 * 32, 19);
  const shape = [64, 32] as const;
  for (const [axis, groupSize] of [[0, 64], [1, 32]] as const) {
    const whole = quantize(w, { shape, bits: 4, axis, groupSize: null });
    const grouped = quantize(w, { shape, bits: 4, axis, groupSize });
    assertEquals(whole, { ...grouped, groupSize: null });
  }
});

Deno.test("quantize leaves its input alone and repeats itself", () => {
  const w = randomWeights(64 * 32, 23);
  const copy = w.slice();
  const options = { shape: [64, 32], bits: 2, groupSize: 16 } as const;
  assertEquals(quantize(w, options), quantize(w, options));
  assertEquals(w, copy);
});

Deno.test("quantize restores groups of equal weights", () => {
  for (const bits of ALL_BITS) {
    for (const roundZero of [false, true]) {
      for (const level of [0, 0.5, -0.5, 1e-3, -1e-6, 40, -3e30]) {
        const w = new Float32Array(16 * 2).fill(level);
        const tensor = quantize(w, {
          shape: [16, 2],
          bits,
          groupSize: 16,
          roundZero,
        });
        // Float32 rounding, and half the least scale, 5e-5.
        const bound = Math.abs(level) * 2 ** -22 + 2.5e-5;
        for (const x of dequantize(tensor)) {
          assert(
            Math.abs(x - level) <= bound,
            `${bits} bits: ${level} -> ${x}`,
          );
        }
        for (const z of dequantizeMeta(tensor.zero)) {
          assert(z >= 0 && z <= 2 ** bits - 1, `${bits} bits: zero ${z}`);
        }
      }
    }
  }
});

Deno.test("quantize lets a flat group spoil no quantized scale or zero", () => {
  const options = {
    shape: [64, 64],
    bits: 2,
    groupSize: 16,
    quantScale: {},
    quantZero: {},
  } as const;
  const w = randomWeights(64 * 64, 29);
  const without = rmsError(dequantize(quantize(w, options)), w);
  for (const level of [0, 0.1]) {
    // Member 0, 4, 8, ... of column 0: one group, all alike or nearly so.
    for (let n = 0; n < 64; n += 4) w[n * 64] = level + 1e-6 * n;
    const restored = dequantize(quantize(w, options));
    assert(rmsError(restored, w) < 1.1 * without, `level ${level}`);
  }
});

Deno.test("quantize of one weight a group is exact up to the least scale", () => {
  const w = randomWeights(64, 31);
  const tensor = quantize(w, {
    shape: [64, 1],
    bits: 8,
    groupSize: 1,
    axis: 1,
  });
  dequantize(tensor).forEach((x, i) => assert(Math.abs(x - w[i]!) <= 2.5e-5));
});

Deno.test("quantize says which number is wrong", () => {
  const w = new Float32Array(96);
  const good = { shape: [12, 8], bits: 4, groupSize: 12 } as const;
  const cases: readonly [Partial<QuantizeOptions>, string][] = [
    [
      { groupSize: 36 },
      "Cannot quantize: group size 36 does not divide 12 x 8 = 96, wanted a divisor",
    ],
    [
      { groupSize: 0 },
      "Cannot quantize: group size is 0, wanted a positive integer or null",
    ],
    [
      { groupSize: 3 },
      "Cannot quantize: 3 rows do not fill bytes of 2 4-bit codes, wanted a multiple of 2",
    ],
    [
      { bits: 1 },
      "Cannot quantize: 12 rows do not fill bytes of 8 1-bit codes, wanted a multiple of 8",
    ],
    [{ bits: 6 as Bits }, "Cannot quantize: bits is 6, wanted 8, 4, 3, 2 or 1"],
    [{ axis: 2 as 1 }, "Cannot quantize: axis is 2, wanted 0 or 1"],
    [
      { shape: [12, -8] },
      "Cannot quantize: shape is 12 x -8, wanted two positive integers",
    ],
    [{ shape: [12, 4] }, "Cannot quantize: 96 weights, wanted 48 for 12 x 4"],
    [
      { quantScale: {} },
      "Cannot quantize scale: group size 128 does not divide 1 x 8 = 8, wanted a divisor",
    ],
    [
      { quantZero: { bits: 4 } },
      "Cannot quantize zero: 1 rows do not fill bytes of 2 4-bit codes, wanted a multiple of 2",
    ],
  ];
  quantize(w, good);
  for (const [change, message] of cases) {
    assertThrows(
      () => quantize(w, { ...good, ...change }),
      RangeError,
      message,
    );
  }
});

Deno.test("quantize refuses weights that are not finite, and says where", () => {
  const options = { shape: [16, 4], bits: 2, groupSize: 16 } as const;
  for (const bad of [NaN, Infinity, -Infinity]) {
    const w = randomWeights(64, 37);
    w[41] = bad;
    assertThrows(
      () => quantize(w, options),
      RangeError,
      `Cannot quantize: weight [10, 1] is ${bad}, wanted a finite number`,
    );
  }
  const w = randomWeights(64, 37);
  w[2] = 3e38;
  w[6] = -3e38;
  assertThrows(() => quantize(w, options), RangeError, "group 2 spans -3");
});
