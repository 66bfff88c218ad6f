/** Quantized checkpoints: names, shapes, types and bytes of tensors that are not right. */

import fc from "npm:fast-check@4.11.0";
import { assertEquals } from "@std/assert";
import { openSource } from "../../src/engine/model_source.ts";
import { Checkpoint } from "../../src/io/checkpoint.ts";
import {
  encodeSafetensors,
  type TensorSource,
} from "../../src/io/safetensors_writer.ts";
import type { Dtype } from "../../src/io/tensor_spec.ts";
import { plainWeights } from "../../src/model/plain_weights.ts";
import {
  OFFLOADING,
  type PartFormat,
  storedCheckpoint,
} from "../_stored_checkpoint.ts";
import { mutatedJson } from "./_mutated_json.ts";
import { verdictOf } from "./_outcome.ts";
import type { Target } from "./_target.ts";

const SIZES = { "num_hidden_layers": 1, "num_local_experts": 2 };

const HQQ: PartFormat = {
  ...{ by: "hqq", bits: 4, axis: 1, groupSize: 16, scaleGroupSize: null },
};

const FORMATS = [OFFLOADING, { attn: HQQ, experts: { ...HQQ, groupSize: 32 } }];

/** As mixtral-offloading names its quantization, beside the weights. */
const PUBLISHED = {
  attn: { nbits: 4, "group_size": 16 },
  experts: { nbits: 2, "group_size": 16, view_as_float: false },
};

/** Types of as many bytes. */
const ALIKE: readonly (readonly Dtype[])[] = [
  ["U8", "I8", "BOOL", "F8_E4M3"],
  ["F16", "BF16", "I16", "U16"],
  ["F32", "I32", "U32"],
  ["F64", "I64", "U64"],
];

/** One change. */
interface Edit {
  readonly how: "rename" | "swap" | "shape" | "dtype" | "drop" | "bytes";
  /** Which tensor, and which other. */
  readonly which: number;
  readonly other: number;
  readonly byte: number;
}

/** A checkpoint. */
interface Input {
  readonly format: number;
  readonly edits: readonly Edit[];
  readonly published: string | null;
}

/** A checkpoint as it should be. */
interface Valid {
  readonly folder: string;
  readonly tensors: readonly (TensorSource & { bytes: Uint8Array })[];
}

const made = new Map<number, Promise<Valid>>();

/** `openSource()`, and all weights that are read through it. */
export const STORED_MODEL: Target<Input> = {
  name: "stored model",
  cases: 60,
  inputs: fc.record({
    format: fc.nat(FORMATS.length - 1),
    edits: fc.array(
      fc.record<Edit>({
        how: fc.constantFrom(
          "rename",
          "swap",
          "shape",
          "dtype",
          "drop",
          "bytes",
        ),
        which: fc.nat(1e6),
        other: fc.nat(1e6),
        byte: fc.constantFrom(0, 1, 255, 127, 128, 10),
      }),
      { maxLength: 3 },
    ),
    published: fc.oneof(
      fc.constant(null),
      mutatedJson([PUBLISHED], { values: [3, 4, 2, 16, 64] }),
    ),
  }),
  async feed({ format, edits, published }, { path }) {
    const valid = made.get(format) ?? makeValid(path, format);
    made.set(format, valid);
    const { folder, tensors } = await valid;
    const changed = edits.reduce(apply, [...tensors]);
    const names = new Set(changed.map(({ name }) => name));
    if (names.size < changed.length) return "refused"; // no file can be so
    const bytes = encodeSafetensors(changed);
    await Deno.writeFile(`${folder}/model.safetensors`, bytes);
    const file = `${folder}/quantization_config.json`;
    if (published === null) await Deno.remove(file).catch(() => {});
    else await Deno.writeTextFile(file, published);
    return await verdictOf(() => readAll(folder));
  },
};

/** Reads every matrix, as `verify` does. */
async function readAll(folder: string): Promise<void> {
  using source = await openSource(folder);
  const { hiddenSize: width, intermediateSize: inner, headDim } = source.config;
  const { numAttentionHeads, numLocalExperts } = source.config;
  const reader = source.reader({});
  const layer = "model.layers.0";
  const read = async (
    name: string,
    shape: readonly [number, number],
    part: "attn" | "experts",
  ) => {
    const matrix = await reader.readPlain(`${layer}.${name}`, shape, part);
    assertEquals(plainWeights(matrix).length, shape[0] * shape[1], name);
  };
  await read("self_attn.q_proj", [numAttentionHeads * headDim, width], "attn");
  for (let id = 0; id < numLocalExperts; id++) {
    const expert = `block_sparse_moe.experts.${id}`;
    await read(`${expert}.w1`, [inner, width], "experts");
    await read(`${expert}.w2`, [width, inner], "experts");
  }
}

async function makeValid(path: string, format: number): Promise<Valid> {
  Deno.env.set("TMPDIR", path);
  const folder = `${path}/${format}`;
  await Deno.mkdir(folder, { recursive: true });
  using model = await storedCheckpoint({ ...FORMATS[format]!, config: SIZES });
  for (const name of ["config.json", "model.safetensors"]) {
    await Deno.copyFile(`${model.path}/${name}`, `${folder}/${name}`);
  }
  using checkpoint = await Checkpoint.open(folder);
  const tensors = await Array.fromAsync(checkpoint.names(), async (name) => ({
    ...checkpoint.info(name),
    bytes: await checkpoint.read(name),
  }));
  await readAll(folder);
  return { folder, tensors };
}

function apply(tensors: Valid["tensors"][number][], edit: Edit) {
  const at = edit.which % Math.max(1, tensors.length);
  const tensor = tensors[at];
  const other = tensors[edit.other % Math.max(1, tensors.length)];
  if (tensor === undefined || other === undefined) return tensors;
  const change = (changes: Partial<typeof tensor>) =>
    tensors.with(at, { ...tensor, ...changes });
  switch (edit.how) {
    case "drop":
      return tensors.toSpliced(at, 1);
    case "rename":
      return change({ name: `${other.name}.x` });
    case "swap":
      return change({ name: other.name }).with(tensors.indexOf(other), {
        ...other,
        name: tensor.name,
      });
    case "shape":
      return change({ shape: shapesLike(tensor.shape)[edit.other % 4]! });
    case "dtype": {
      const alike = ALIKE.find((types) => types.includes(tensor.dtype)) ??
        [tensor.dtype];
      return change({ dtype: alike[edit.other % alike.length]! });
    }
    case "bytes": {
      const bytes = tensor.bytes.slice();
      const from = edit.other % Math.max(1, bytes.length);
      bytes.fill(edit.byte, from, from + 4);
      return change({ bytes });
    }
  }
}

/** Shapes of as many elements. */
function shapesLike(shape: readonly number[]): (readonly number[])[] {
  const count = shape.reduce((product, size) => product * size, 1);
  return [[count], [1, count], shape.toReversed(), [...shape, 1]];
}
