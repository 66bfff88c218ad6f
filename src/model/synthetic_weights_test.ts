import { assert, assertEquals } from "@std/assert";
import { halvesToFloat32 } from "hqq-ts";
import { dequantize } from "hqq-ts";
import { syntheticConfig } from "./synthetic_shapes.ts";
import { SYNTHETIC_PARTS, SyntheticWeights } from "./synthetic_weights.ts";
import { GROUP_SIZES, type Quantization, schemeOf } from "./quantization.ts";

const CONFIG = syntheticConfig("tiny");
const SEED_1 = new SyntheticWeights(CONFIG);

/** The weights of a matrix, as a checkpoint would hold them. */
function weightsOf(
  base: string,
  shape: readonly [number, number],
  quantization: Quantization,
): Float32Array {
  const scheme = schemeOf(quantization);
  const [N, K] = shape;
  const groupCount = N * K / scheme.groupSize;
  const metaCount = groupCount / scheme.scaleGroupSize!;
  const matrix = { base, K, scheme, metaCount };
  const codes = (key: "codes" | "scaleCodes" | "zeroCodes", length: number) => {
    const bytes = new Uint8Array(length);
    SEED_1.writeCodes(matrix, key, bytes);
    return bytes;
  };
  const packed = codes("codes", N * K * scheme.bits / 8);
  const meta = SEED_1.meta(matrix);
  const common = { shape: [1, groupCount], bits: 8, axis: 0 } as const;
  return dequantize({
    shape,
    bits: scheme.bits,
    groupSize: scheme.groupSize,
    axis: 0,
    channelWise: true,
    packed,
    scale: {
      ...common,
      groupSize: scheme.scaleGroupSize,
      channelWise: true,
      packed: codes("scaleCodes", groupCount),
      scale: halvesToFloat32(meta.metaScale),
      zero: halvesToFloat32(meta.metaZero),
    },
    zero: {
      ...common,
      groupSize: null,
      channelWise: false,
      packed: codes("zeroCodes", groupCount),
      scale: halvesToFloat32(meta.zeroScale),
      zero: halvesToFloat32(meta.zeroZero),
    },
  });
}

Deno.test("SyntheticWeights keeps the size of a product that of its input", () => {
  const cases: [string, readonly [number, number], Quantization, number][] = [
    ["a.q_proj", [256, 512], SYNTHETIC_PARTS.attn, 1],
    ["a.o_proj", [512, 256], SYNTHETIC_PARTS.attn, 0.25],
    ["e.w1", [128, 1024], SYNTHETIC_PARTS.experts, 1],
    ["e.w2", [128, 1024], SYNTHETIC_PARTS.experts, 0.25],
    ["e.w3", [128, 1024], { bits: 8, ...GROUP_SIZES[8] }, 1],
  ];
  for (const [base, shape, quantization, wanted] of cases) {
    const weights = weightsOf(base, shape, quantization);
    const mean = weights.reduce((sum, w) => sum + w, 0) / weights.length;
    const square = weights.reduce((sum, w) => sum + w * w, 0) / weights.length;
    const size = Math.sqrt(square * shape[1]);
    // Zeros and scales vary, which makes weights a few percent larger.
    assert(size > 0.97 * wanted && size < 1.1 * wanted, `${base}: ${size}`);
    assert(Math.abs(mean) < 0.02 * Math.sqrt(square), `${base}: mean ${mean}`);
  }
});

Deno.test("SyntheticWeights makes float16 matrices of the same size", () => {
  const halves = new Uint16Array(512 * 64);
  SEED_1.writeHalves("a.q_proj", 64, halves);
  const weights = halvesToFloat32(halves);
  const square = weights.reduce((sum, w) => sum + w * w, 0) / weights.length;
  assert(Math.abs(Math.sqrt(square * 64) - 1) < 0.02, String(square));
});

Deno.test("SyntheticWeights has norms of one, and routers that read wishes", () => {
  const norm = SEED_1.floats("model.layers.0.input_layernorm.weight");
  assertEquals([...new Set(norm)], [1]);
  const gate = SEED_1.floats("model.layers.2.block_sparse_moe.gate.weight");
  const read = [...gate.entries()].filter(([, weight]) => weight !== 0)
    .map(([at]) => [Math.floor(at / 128), at % 128]);
  assertEquals(read, [0, 1, 2, 3, 4, 5, 6, 7].map((e) => [e, 16 + e]));
  const halves = new Uint16Array(gate.length);
  SEED_1.writeHalves(
    "model.layers.2.block_sparse_moe.gate.weight",
    128,
    halves,
  );
  assertEquals(halvesToFloat32(halves), gate);
});
