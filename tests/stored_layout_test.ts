/** What we make of the headers of checkpoints, at full size and broken. */

import { assertEquals, assertThrows } from "@std/assert";
import { Gpu } from "../src/gpu/device.ts";
import { Checkpoint } from "../src/io/checkpoint.ts";
import { readJson } from "../src/io/json_file.ts";
import { tensorByteLength } from "../src/io/tensor_spec.ts";
import { parseConfig } from "../src/model/config.ts";
import { readStoredLayout } from "../src/model/read_stored_layout.ts";
import { matricesOf } from "../src/model/matrices.ts";
import {
  detectLayout,
  type LayoutEvidence,
} from "../src/model/stored_layout.ts";
import { matrixNames } from "../src/model/stored_matrix.ts";
import { uploadWeights } from "../src/model/upload.ts";
import { WeightReader } from "../src/model/weight_reader.ts";
import { settle } from "./_gpu.ts";
import {
  DEMO,
  type IndexedTensor,
  offloadingIndex,
  SIBLING,
  tableOf,
} from "./_offloading_index.ts";
import { OFFLOADING, storedCheckpoint } from "./_stored_checkpoint.ts";
import { tinyCheckpoint } from "./_tiny_checkpoint.ts";

/** Mixtral-8x7B-Instruct-v0.1: all sizes are Hugging Face's defaults. */
const MIXTRAL = parseConfig({ "model_type": "mixtral" }, "config.json");

const EVIDENCE: LayoutEvidence = {
  config: MIXTRAL,
  declared: null,
  published: null,
  flat: { attn: null, experts: null },
};

async function sha256(lines: readonly string[]): Promise<string> {
  const bytes = new TextEncoder().encode(lines.join("\n"));
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return new Uint8Array(digest).toHex();
}

Deno.test("offloadingIndex() has the names, files and bytes of the real index", async () => {
  const index = offloadingIndex(MIXTRAL, DEMO);
  const names = [...index.keys()].sort();
  assertEquals(names.length, 6371);
  // Of the sorted keys of model.safetensors.index.json (654,433 bytes).
  assertEquals(
    await sha256(names),
    "b899a4dfc5f63dd24bf7f495ef9ec00e89ccea0ea332ade3a1a150a051cbdc41",
  );
  // The same with a space and the file's name behind each.
  assertEquals(
    await sha256(names.map((name) => `${name} ${index.get(name)!.file}`)),
    "46cef6c31b0e589ca1f9fe91106afa2d860f03dd80ce5b03b838cc01ea7e2deb",
  );
  const bytes = [...index.values()].map(tensorByteLength);
  assertEquals(bytes.reduce((a, b) => a + b), 18_239_794_688); // total_size
});

Deno.test("detectLayout() recognises the demo checkpoint and accounts for every tensor", () => {
  const index = offloadingIndex(MIXTRAL, DEMO);
  const layout = detectLayout(tableOf(index), EVIDENCE);
  assertEquals(layout, {
    attn: {
      bits: 4,
      axis: 0,
      groupSize: 64,
      scaleGroupSize: 256,
      packing: "block",
    },
    experts: {
      bits: 2,
      axis: 0,
      groupSize: 16,
      scaleGroupSize: 128,
      packing: "block",
    },
  });
  const read = new Set<string>();
  for (const part of ["attn", "experts"] as const) {
    for (const { base } of matricesOf(MIXTRAL, part)) {
      const { codes, ...values } = matrixNames(tableOf(index), base)!;
      read.add(codes);
      for (const names of Object.values(values)) {
        for (const name of Object.values(names)) read.add(name);
      }
    }
  }
  // uploadWeights() reads these: the next test sees to that.
  const floats = [...index.keys()].filter((name) => !read.has(name));
  assertEquals(read.size + floats.length, 6371);
  assertEquals(floats.length, 3 + 32 * 3);
  assertEquals(floats.every((name) => name.endsWith(".weight")), true);
});

Deno.test("uploadWeights() reads every tensor of a checkpoint once", async () => {
  using model = await storedCheckpoint({ ...OFFLOADING, shards: "relative" });
  const path = `${model.path}/config.json`;
  const config = parseConfig(await readJson(path), path);
  using checkpoint = await Checkpoint.open(model.path);
  const groups = {
    attn: { ...OFFLOADING.attn },
    experts: { ...OFFLOADING.experts },
  };
  const names = [...offloadingIndex(config, groups).keys()].sort();
  assertEquals(checkpoint.names().sort(), names);
  const stored = await readStoredLayout(checkpoint, config, EVIDENCE);
  const read: string[] = [];
  for (const method of ["read", "readInto"] as const) {
    const original = checkpoint[method].bind(checkpoint) as (
      name: string,
      target: Uint8Array,
    ) => never;
    checkpoint[method] = (name: string, target?: Uint8Array) => {
      read.push(name);
      return original(name, target!);
    };
  }
  using gpu = await Gpu.open();
  await uploadWeights(gpu, config, {
    reader: new WeightReader(checkpoint, { stored, wanted: {} }),
    isResident: () => true,
  });
  assertEquals(read.sort(), names);
  await settle();
});

Deno.test("uploadWeights() quantizes one matrix of 19 bfloat16 shards at a time", async () => {
  const written: Uint8Array[][] = [];
  for (const shardCount of [1, 19]) {
    using model = await tinyCheckpoint({ dtype: "BF16", shardCount });
    const path = `${model.path}/config.json`;
    const config = parseConfig(await readJson(path), path);
    using checkpoint = await Checkpoint.open(model.path);
    const stored = await readStoredLayout(checkpoint, config, EVIDENCE);
    assertEquals([stored.attn.bits, stored.experts.bits], [16, 16]);
    const groups = { axis: 0, groupSize: 16, scaleGroupSize: 32 } as const;
    const reader = new WeightReader(checkpoint, {
      stored,
      wanted: {
        attn: { bits: 4, ...groups },
        experts: { bits: 2, ...groups, scaleGroupSize: 48 },
      },
    });
    let count = 0;
    const all: Uint8Array[] = [];
    const write = reader.write.bind(reader);
    reader.write = async (base, layout, into) => {
      if (layout.scheme.type === "HQQ") assertEquals(++count, 1, base);
      await write(base, layout, into);
      if (layout.scheme.type === "HQQ") count--;
      all.push(into.slice());
    };
    using gpu = await Gpu.open();
    await uploadWeights(gpu, config, { reader, isResident: () => true });
    await settle();
    written.push(all);
  }
  assertEquals(written[0]!.length, 2 + 2 * (4 + 4 * 3));
  assertEquals(written[0], written[1]);
});

Deno.test("detectLayout() recognises 3-bit experts in the common packing by bytes", () => {
  const index = offloadingIndex(MIXTRAL, SIBLING);
  const expert = [...index].filter(([, { file }]) => file.includes("-00002-"));
  const bytes = expert.map(([, tensor]) => tensorByteLength(tensor));
  assertEquals(bytes.reduce((a, b) => a + b), 76_091_404);
  const { attn, experts } = detectLayout(tableOf(index), EVIDENCE);
  assertEquals(experts, {
    bits: 3,
    axis: 0,
    groupSize: 64,
    scaleGroupSize: 128,
    packing: "common",
  });
  assertEquals([attn.bits, attn.packing], [4, "common"]); // as the experts

  const blocks = offloadingIndex(MIXTRAL, {
    ...SIBLING,
    experts: { ...SIBLING.experts, isCommon: false },
  });
  const other = detectLayout(tableOf(blocks), EVIDENCE);
  assertEquals([other.attn.packing, other.experts.packing], ["block", "block"]);
});

/** Breaks an index, and says what is to be said of it. */
interface BrokenIndex {
  readonly what: string;
  readonly harm: (
    index: Map<string, Omit<IndexedTensor, "file">>,
  ) => void;
  readonly says: string;
}

const EXPERT = "model.layers.0.block_sparse_moe.experts.0.w1";
const LAST = "model.layers.31.block_sparse_moe.experts.7.w2";
const QUERY = "model.layers.0.self_attn.q_proj";
const U8 = { dtype: "U8" } as const;

const BROKEN: readonly BrokenIndex[] = [
  {
    what: "codes of another size",
    harm: (index) => index.set(`${EXPERT}.W_q`, { ...U8, shape: [14_680_063] }),
    says:
      `Cannot load ${EXPERT}.W_q of demo: it has 14680063 bytes of U8, wanted 29360128 or 14680064 or 58720256 for 14336 x 4096 in groups of 16`,
  },
  {
    what: "codes of another size in the last expert",
    harm: (index) => index.set(`${LAST}.W_q`, { ...U8, shape: [1, 2] }),
    says:
      `Cannot load ${LAST}.W_q of demo: it has 2 bytes, wanted 14680064 for 4096 x 14336 at 2 bits in groups of 16`,
  },
  {
    what: "scales of another number",
    harm: (index) => index.set(`${QUERY}.meta.scale_q`, { ...U8, shape: [99] }),
    says:
      `Cannot load ${QUERY}.meta.scale_q of demo: it has 99 elements, wanted as many as there are groups of rows in 4096 x 4096`,
  },
  {
    what: "zeros of another number",
    harm: (index) => index.set(`${QUERY}.meta.zero_q`, { ...U8, shape: [99] }),
    says:
      `Cannot load ${QUERY}.meta.zero_q of demo: it has 99 elements, wanted 262144`,
  },
  {
    what: "meta scales of another number in a later matrix",
    harm: (index) =>
      index.set(`${LAST}.meta.meta_scale.zero`, { dtype: "F16", shape: [3] }),
    says: "meta_scale.zero of demo: it has 3 elements, wanted 28672",
  },
  {
    what: "scales of another type",
    harm: (index) =>
      index.set(`${EXPERT}.meta.scale_q`, { dtype: "I8", shape: [3_670_016] }),
    says: "its dtype is I8, wanted U8",
  },
  {
    what: "no zeros",
    harm: (index) => index.delete(`${LAST}.meta.zero_q`),
    says: `there are codes but no zero, wanted ${LAST}.meta.zero_q or`,
  },
  {
    what: "a matrix missing",
    harm: (index) => index.delete(`${LAST}.W_q`),
    says: `Cannot load ${LAST}.W_q of demo: there is no such tensor`,
  },
  {
    what: "floats besides codes",
    harm: (index) =>
      index.set(`${QUERY}.weight`, { dtype: "F16", shape: [4096, 4096] }),
    says: "it has both weight and W_q",
  },
  {
    what: "a bias",
    harm: (index) =>
      index.set(`${QUERY}.bias`, { dtype: "F16", shape: [4096] }),
    says: `Cannot load ${QUERY}.bias of demo: there is a bias, wanted none`,
  },
];

for (const { what, harm, says } of BROKEN) {
  Deno.test(`detectLayout() says in a sentence that there are ${what}`, () => {
    const index = new Map<string, Omit<IndexedTensor, "file">>(
      offloadingIndex(MIXTRAL, DEMO),
    );
    harm(index);
    assertThrows(() => detectLayout(tableOf(index), EVIDENCE), Error, says);
  });
}

Deno.test("detectLayout() compares what it finds with what files say", () => {
  const table = tableOf(offloadingIndex(MIXTRAL, DEMO));
  const attn = {
    "weight_quant_params": { nbits: 4, "group_size": 64 },
    "scale_quant_params": { nbits: 8, "group_size": 256 },
  };
  const published = { type: "hqq", attn, experts: { nbits: 2 } };
  detectLayout(table, { ...EVIDENCE, published });
  assertThrows(
    () =>
      detectLayout(table, {
        ...EVIDENCE,
        published: { ...published, experts: { nbits: 3 } },
      }),
    RangeError,
    "Cannot load the experts of demo: by the sizes of its tensors nbits is 2, wanted 3 as quantization_config.json says",
  );
  const floats = {
    bits: 16,
    axis: 0,
    groupSize: 0,
    scaleGroupSize: null,
  } as const;
  const declared = { attn: { ...floats, bits: 4 }, experts: floats } as const;
  assertThrows(
    () => detectLayout(tableOf(new Map()), { ...EVIDENCE, declared }),
    Error,
    `Cannot load ${QUERY}.W_q of demo: there is no such tensor, wanted 4-bit codes as config.json says`,
  );
});
