/** Quantized checkpoints that are not what they should be: one sentence each. */

import { assertEquals } from "@std/assert";
import { load, type LoadOptions } from "../mod.ts";
import type { TensorSource } from "../src/io/safetensors_writer.ts";
import { settle } from "./_gpu.ts";
import { assertSentence } from "./_sentence.ts";
import {
  OFFLOADING,
  type PartFormat,
  STORED_CONFIG,
  storedCheckpoint,
  type StoredOptions,
} from "./_stored_checkpoint.ts";

const HQQ: PartFormat = {
  by: "hqq",
  bits: 4,
  axis: 1,
  groupSize: 16,
  scaleGroupSize: null,
};
const HQQ_PARTS = { attn: HQQ, experts: { ...HQQ, groupSize: 32 } };
const OFFLOADING_PARTS = { ...OFFLOADING, shards: "relative" } as const;

/** Changes tensors whose names end so. */
const change = (
  end: string,
  fn: (tensor: TensorSource) => TensorSource | null,
) =>
(tensors: TensorSource[]) =>
  tensors.flatMap((tensor) =>
    tensor.name.endsWith(end) ? fn(tensor) ?? [] : tensor
  );
const scalar = (end: string, value: number) =>
  change(end, (tensor) => ({
    ...tensor,
    bytes: new Uint8Array(Int32Array.of(value).buffer),
  }));
const bytesOf = (tensor: TensorSource) => tensor.bytes as Uint8Array;

/** A model that is broken in some way. */
interface BrokenStored {
  readonly what: string;
  readonly stored: StoredOptions;
  readonly options?: LoadOptions;
  /** Files to add. */
  readonly files?: Readonly<Record<string, string>>;
  readonly says: string;
}

const BROKEN: readonly BrokenStored[] = [
  {
    what: "experts packed as common where nothing says so",
    stored: {
      ...OFFLOADING_PARTS,
      experts: { ...OFFLOADING.experts, packing: "common" },
    },
    says: "experts.0.w1.W_q of",
  },
  {
    what: "attention packed as common beside experts packed in blocks",
    stored: {
      ...OFFLOADING_PARTS,
      attn: { ...OFFLOADING.attn, packing: "common" },
    },
    says: "its codes fit the common packing",
  },
  {
    what: "attention packed in blocks beside experts packed as common",
    stored: {
      ...OFFLOADING_PARTS,
      experts: {
        ...OFFLOADING.experts,
        bits: 3,
        groupSize: 32,
        packing: "common",
      },
    },
    says: "its codes fit the block packing",
  },
  {
    what: "codes of zeros only",
    stored: {
      ...OFFLOADING_PARTS,
      harm: change(
        "W_q",
        (tensor) => ({ ...tensor, bytes: bytesOf(tensor).map(() => 0) }),
      ),
    },
    says: "codes span less than half of 0 to 3",
  },
  {
    what: "a matrix missing",
    stored: {
      ...OFFLOADING_PARTS,
      harm: change("layers.1.self_attn.o_proj.W_q", () => null),
    },
    says: "layers.1.self_attn.o_proj.W_q of",
  },
  {
    what: "a quantization_config.json of another model",
    stored: OFFLOADING_PARTS,
    files: {
      "quantization_config.json": JSON.stringify({ experts: { nbits: 4 } }),
    },
    says: "nbits is 2, wanted 4 as quantization_config.json says",
  },
  {
    what: "a quantization_config.json that is no JSON",
    stored: OFFLOADING_PARTS,
    files: { "quantization_config.json": "{" },
    says: "quantization_config.json: it has 1 characters that are not JSON",
  },
  {
    what: "other bits wanted than there are",
    stored: OFFLOADING_PARTS,
    options: { expertBits: 4 },
    says: "with 4 bits for the experts: it is already quantized to 2",
  },
  {
    what: "a packing that we do not read",
    stored: {
      ...HQQ_PARTS,
      harm: change("q_proj.packing", (tensor) => ({
        ...tensor,
        bytes: new TextEncoder().encode("1bit_u8"),
      })),
    },
    says: '"1bit_u8", wanted one of 8bit_u8, 4bit_u8, 3bit_32, 2bit_u8',
  },
  {
    what: "an axis of 2",
    stored: { ...HQQ_PARTS, harm: scalar("w1.axis", 2) },
    says: "experts.0.w1.axis of",
  },
  {
    what: "a group size of 0",
    stored: { ...HQQ_PARTS, harm: scalar("q_proj.group_size", 0) },
    says: "it is 0, wanted a positive number",
  },
  {
    what: "a group size that does not fit the scales",
    stored: { ...HQQ_PARTS, harm: scalar("q_proj.group_size", 32) },
    says: "q_proj.scale of",
  },
  {
    what: "a matrix stored unlike the others",
    stored: { ...HQQ_PARTS, harm: scalar("layers.1.self_attn.v_proj.axis", 0) },
    says:
      "it is 32 x 64 at 4 bits in groups of 16 along axis 0, wanted 32 x 64 at 4 bits in groups of 16 along axis 1",
  },
  {
    what: "no group size",
    stored: { ...HQQ_PARTS, harm: change("q_proj.group_size", () => null) },
    says: "Cannot find tensor",
  },
  {
    what: "groups along axis 1 that are no multiple of 4",
    stored: { ...HQQ_PARTS, attn: { ...HQQ, groupSize: 2 } },
    says: "wanted a multiple of 4 that divides 64",
  },
];

for (const { what, stored, options = {}, files = {}, says } of BROKEN) {
  Deno.test(`load() says in a sentence that there is ${what}`, async () => {
    using model = await storedCheckpoint(stored);
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${model.path}/${name}`, text);
    }
    await assertSentence(() => load(model.path, options), says);
    await settle();
  });
}

Deno.test("load() takes HQQ's own config.json and 1 byte codes viewed as floats", async () => {
  const ids = [1, 2, 3];
  const logits: Float32Array[] = [];
  for (const isViewed of [false, true]) {
    using model = await storedCheckpoint({
      ...HQQ_PARTS,
      harm: change("W_q", (tensor) => ({
        ...tensor,
        ...(isViewed
          ? { dtype: "BF16", shape: [bytesOf(tensor).length / 2] }
          : {}),
      })),
    });
    const config = {
      ...STORED_CONFIG,
      "quantization_config": { "quant_method": "hqq", "quant_config": {} },
    };
    await Deno.writeTextFile(
      `${model.path}/config.json`,
      JSON.stringify(config),
    );
    {
      using engine = await load(model.path);
      logits.push(await engine.logits(ids));
    }
    await settle();
  }
  assertEquals(logits[0], logits[1]);
});
