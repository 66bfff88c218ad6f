import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  offloadingMatrices,
  offloadingTensor,
  offloadingTensors,
  vectors,
  vectorTensors,
} from "./_testdata.ts";
import { dequantize, dequantizeMeta, type QuantizedMeta } from "./mod.ts";

for (const vector of vectors) {
  Deno.test(`dequantize gives the reference's weights to the bit, ${vector.name}`, () => {
    const t = vectorTensors;
    const w = dequantize({
      shape: t.shape("W"),
      bits: vector.nbits,
      groupSize: vector.group_size,
      axis: vector.axis,
      channelWise: true,
      packed: t.packed(`${vector.name}.W_q`),
      scale: t.floats(`${vector.name}.scale`),
      zero: t.floats(`${vector.name}.zero`),
    });
    // No tolerance: both round each of two steps to float32.
    assertEquals(w, t.floats(`${vector.name}.deq`));
  });
}

for (const matrix of offloadingMatrices) {
  Deno.test(`dequantize decodes quantized scales and zeros, ${matrix.name}`, () => {
    const tensor = offloadingTensor(matrix);
    const w = dequantize(tensor);
    const scale = dequantizeMeta(tensor.scale);
    const zero = dequantizeMeta(tensor.zero);
    const name = `${matrix.name}.dequantized`;
    const formula = offloadingTensors.doubles(`${name}_f64_of_formula`);
    const halves = offloadingTensors.floats(`${name}_f16`);

    for (let i = 0; i < w.length; i++) {
      const s = scale[i % scale.length]!;
      const z = Math.abs(zero[i % zero.length]!);
      // Two roundings of zero, each of |zero| * epsilon / 2, then two of scale,
      // one of the difference and one of the product, each of |w| * epsilon / 2;
      // epsilon / 2 is 2^-24 in float32 and 2^-11 in float16.
      const roundings = 2 * z * s + 4 * Math.abs(w[i]!);
      assert(
        Math.abs(w[i]! - formula[i]!) <= 1.01 * roundings * 2 ** -24,
        `weight ${i} is ${w[i]}, by the formula ${formula[i]}`,
      );
      assert(
        Math.abs(w[i]! - halves[i]!) <= 1.01 * roundings * 2 ** -11,
        `weight ${i} is ${w[i]}, in float16 ${halves[i]}`,
      );
    }
  });
}

Deno.test("dequantize decodes a published expert by the documented indices", () => {
  // The formulas of the checkpoint's description, written out for one matrix.
  const tensor = offloadingTensor(offloadingMatrices[2]);
  const [N, K] = tensor.shape;
  const w = dequantize(tensor);
  const scale = dequantizeMeta(tensor.scale);
  const zero = dequantizeMeta(tensor.zero);
  const blockLength = N * K / 4;
  const G = N / 16;
  for (let n = 0; n < N; n++) {
    for (let k = 0; k < K; k++) {
      const e = n * K + k;
      const slot = Math.floor(e / blockLength);
      const code = tensor.packed[e % blockLength]! >> (6 - 2 * slot) & 3;
      const j = (n % G) * K + k;
      assertEquals(w[e], Math.fround(Math.fround(code - zero[j]!) * scale[j]!));
    }
  }
});

Deno.test("dequantize says which part does not fit", () => {
  const tensor: QuantizedMeta = {
    shape: [8, 2],
    bits: 2,
    groupSize: 4,
    axis: 0,
    channelWise: true,
    packed: new Uint8Array(4),
    scale: new Float32Array(4),
    zero: new Float32Array(4),
  };
  assertEquals(dequantize(tensor), new Float32Array(16));
  const cases = [
    [
      { packed: new Uint8Array(5) },
      "Cannot unpack: 5 words, wanted 4 for 4 x 4 2-bit codes",
    ],
    [
      { scale: new Float32Array(1) },
      "Cannot dequantize: scale has 1 values, wanted one for each of 4 groups",
    ],
    [
      { zero: { ...tensor, scale: tensor.zero, zero: tensor.zero } },
      "Cannot dequantize: zero has 16 values, wanted one for each of 4 groups",
    ],
    [
      { groupSize: 6 },
      "Cannot dequantize: group size 6 does not divide 8 x 2 = 16, wanted a divisor",
    ],
    [{ axis: 2 as 0 }, "Cannot dequantize: axis is 2, wanted 0 or 1"],
  ] as const;
  for (const [change, message] of cases) {
    assertThrows(
      () => dequantize({ ...tensor, ...change }),
      RangeError,
      message,
    );
  }
});
