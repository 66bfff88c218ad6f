/** Checkpoints in every layout, read back as hqq-ts understands their tensors. */

import { type Bits, dequantize } from "hqq-ts";
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { readQuantizationFiles } from "../src/engine/stored_quantization.ts";
import {
  offloadingMatrices,
  offloadingTensor,
  offloadingTensors,
} from "../src/hqq/_testdata.ts";
import { Checkpoint } from "../src/io/checkpoint.ts";
import { readJson } from "../src/io/json_file.ts";
import { writeSafetensors } from "../src/io/safetensors_writer.ts";
import { parseConfig } from "../src/model/config.ts";
import { placeMatrix, readMatrix } from "../src/model/read_matrix.ts";
import { QuantizePool } from "../src/model/quantize_pool.ts";
import { readStoredLayout } from "../src/model/read_stored_layout.ts";
import { matricesOf } from "../src/model/matrices.ts";
import { schemeOf } from "../src/model/quantization.ts";
import { WeightReader } from "../src/model/weight_reader.ts";
import { matrixLayout } from "../src/ops/matrix.ts";
import { writeHqqMatrix } from "../src/ops/write_matrix.ts";
import { weightsInMemory } from "./_matrix_memory.ts";
import { storedCheckpoint } from "./_stored_checkpoint.ts";
import { STORED_FORMATS } from "./_stored_formats.ts";
import { tempDirectory, tinyCheckpoint } from "./_tiny_checkpoint.ts";

for (const { name, keepsMeta, ...options } of STORED_FORMATS) {
  Deno.test(`WeightReader reads ${name}`, async () => {
    using model = await storedCheckpoint(options);
    const path = `${model.path}/config.json`;
    const json = await readJson(path);
    const config = parseConfig(json, path);
    using checkpoint = await Checkpoint.open(model.path);
    const files = await readQuantizationFiles(model.path, json);
    const stored = await readStoredLayout(checkpoint, config, files);
    const reader = new WeightReader(checkpoint, { stored, wanted: {} });
    for (const part of ["attn", "experts"] as const) {
      const format = options[part];
      assertEquals(stored[part].bits, format?.bits ?? 16);
      if (format === null) continue;
      assertEquals(stored[part].axis, format.axis);
      assertEquals(stored[part].groupSize, format.groupSize);
      assertEquals(stored[part].packing, format.packing ?? "block");
      assertEquals(
        stored[part].scaleGroupSize,
        keepsMeta[part] ? format.scaleGroupSize : null,
      );
      let count = 0;
      for (const { base, shape } of matricesOf(config, part)) {
        const layout = reader.layout(base, shape, part);
        const bytes = new Uint8Array(layout.wordCount * 4);
        await reader.write(base, layout, bytes);
        const expected = model.weights.get(base)!;
        assertEquals(weightsInMemory(layout, bytes), expected, base);
        const written = new Uint8Array(bytes.length);
        writeHqqMatrix(layout, model.tensors.get(base)!, written);
        assertEquals(bytes, written, base);
        count++;
      }
      assertEquals(count, part === "attn" ? 8 : 24);
    }
    if (options.gates) {
      const base = "model.layers.1.block_sparse_moe.gate";
      const shape = [config.numLocalExperts, config.hiddenSize];
      const gate = await reader.readFloats(`${base}.weight`, shape);
      assertEquals(gate, model.weights.get(base));
    }
  });
}

Deno.test("WeightReader reads the same bytes where workers quantize", async () => {
  using model = await tinyCheckpoint({ dtype: "BF16", seed: 5 });
  const path = `${model.path}/config.json`;
  const config = parseConfig(await readJson(path), path);
  using checkpoint = await Checkpoint.open(model.path);
  using quantizer = new QuantizePool(2);
  for (const axis of [0, 1] as const) {
    const groups = { axis, groupSize: 16, scaleGroupSize: axis ? null : 16 };
    const options = {
      stored: null,
      wanted: {
        attn: { bits: 3, ...groups },
        experts: { bits: 2, ...groups },
      },
    } as const;
    const one = new WeightReader(checkpoint, options);
    const many = new WeightReader(checkpoint, { ...options, quantizer });
    assertEquals([one.parallelReadCount, many.parallelReadCount], [1, 3]);
    for (const part of ["attn", "experts"] as const) {
      const matrices = [...matricesOf(config, part)];
      await Promise.all(matrices.map(async ({ base, shape }) => {
        const layout = one.layout(base, shape, part);
        const [wanted, got] = [0, 1]
          .map(() => new Uint8Array(layout.wordCount * 4)) as [
            Uint8Array,
            Uint8Array,
          ];
        await one.write(base, layout, wanted);
        await many.write(base, layout, got);
        assertEquals(got, wanted, base);
        assert(got.some((byte) => byte !== 0));
      }));
    }
  }
});

Deno.test("storedCheckpoint() has meta scales that are subnormal halves", async () => {
  using model = await storedCheckpoint(STORED_FORMATS[0]!);
  const base = "model.layers.0.self_attn.q_proj.meta.meta_scale.scale";
  using checkpoint = await Checkpoint.open(model.path);
  const halves = new Uint16Array((await checkpoint.read(base)).buffer);
  const count = halves.filter((half) => half === 0x0347).length;
  assert(count > halves.length / 4, `${count} of ${halves.length}`);
});

for (const matrix of offloadingMatrices) {
  Deno.test(`placeMatrix() reads what HQQ v0.1.1 wrote, ${matrix.name}`, async () => {
    using folder = tempDirectory();
    const file = "testdata/hqq/offloading_layout.safetensors";
    await Deno.copyFile(
      fromFileUrl(new URL(file, import.meta.url)),
      `${folder.path}/model.safetensors`,
    );
    using checkpoint = await Checkpoint.open(folder.path);
    const { name: base, bits, groupSize, metaGroupSize } = matrix;
    const part = {
      bits,
      axis: 0,
      groupSize,
      scaleGroupSize: metaGroupSize,
    } as const;
    const tensor = offloadingTensor(matrix);
    const { shape } = tensor;
    const layout = matrixLayout(base, shape, schemeOf(part));
    const into = new Uint8Array(layout.wordCount * 4);
    await placeMatrix(checkpoint, { base, shape, part }, { layout, into });
    const actual = weightsInMemory(layout, into);
    assertEquals(actual, dequantize(tensor));
    // The reference rounds each step to float16, of zeros up to the highest code.
    const halves = offloadingTensors.floats(`${base}.dequantized_f16`);
    const largest = Math.max(...halves.map(Math.abs));
    const difference = Math.max(
      ...actual.map((w, i) => Math.abs(w - halves[i]!)),
    );
    assert(difference <= largest * 2 ** -9, `${difference} of ${largest}`);
  });
}

/** (N, K) = (16, 2) in groups of 8: codes, and their words in both packings. */
const GOLDEN = [
  {
    bits: 2,
    codes: "03301032231321130210123100012003",
    block: [32, 248, 212, 49, 102, 24, 220, 183],
    common: [55, 194, 153, 247, 23, 137, 8, 19],
  },
  {
    bits: 4,
    codes: "07f81c72eb9765578ad05af5c4c5e84f",
    block: [
      ...[8, 122, 253, 128, 21, 202, 127, 37],
      ...[236, 180, 156, 117, 110, 88, 84, 127],
    ],
    common: [
      ...[15, 120, 23, 194, 233, 183, 101, 87],
      ...[141, 160, 95, 165, 204, 69, 228, 143],
    ],
  },
  {
    bits: 3,
    codes: "07701472631765570250527544456047",
    block: [30955904, 1014310912, 1060567296, 50092992],
    common: [121576773, 948566992, 798179328, 362049536],
  },
] as const;

for (const { bits, codes, ...words } of GOLDEN) {
  for (const packing of ["block", "common"] as const) {
    Deno.test(`placeMatrix() reads the golden codes of ${bits} bits packed as ${packing}`, async () => {
      using folder = tempDirectory();
      const packed = bits === 3
        ? Int32Array.from(words[packing])
        : Uint8Array.from(words[packing]);
      const ones = new Uint8Array(Float32Array.from([1, 1, 1, 1]).buffer);
      await writeSafetensors(`${folder.path}/model.safetensors`, [
        {
          name: "w.W_q",
          dtype: bits === 3 ? "I32" : "U8",
          shape: [packed.length],
          bytes: new Uint8Array(packed.buffer),
        },
        { name: "w.scale", dtype: "F32", shape: [4], bytes: ones },
        {
          name: "w.zero",
          dtype: "F32",
          shape: [4],
          bytes: new Uint8Array(16),
        },
      ]);
      using checkpoint = await Checkpoint.open(folder.path);
      const shape = [16, 2] as const;
      const part = {
        bits,
        axis: 0,
        groupSize: 8,
        scaleGroupSize: null,
        packing,
      } as const;
      const matrix = { base: "w", shape, part };
      const layout = matrixLayout("w", shape, schemeOf(part));
      const into = new Uint8Array(layout.wordCount * 4);
      await placeMatrix(checkpoint, matrix, { layout, into });
      const wanted = Float32Array.from(codes, (digit) => parseInt(digit, 16));
      assertEquals(weightsInMemory(layout, into), wanted);
      const tensor = await readMatrix(checkpoint, matrix);
      assertEquals(tensor.bits, bits as Bits);
      assertEquals(dequantize(tensor), wanted);
    });
  }
}
