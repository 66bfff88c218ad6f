/** Tiny checkpoints in the layouts that others write: mixtral-offloading's, HQQ's. */

import {
  dequantize,
  fround16,
  packCommon,
  quantize,
  type QuantizedMeta,
  type QuantizedTensor,
  unpack,
} from "hqq-ts";
import { Checkpoint } from "../src/io/checkpoint.ts";
import { encodeFloats } from "../src/io/float.ts";
import {
  type TensorSource,
  writeSafetensors,
} from "../src/io/safetensors_writer.ts";
import type { Dtype } from "../src/io/tensor_spec.ts";
import type { Part, Quantization } from "../src/model/quantization.ts";
import {
  type TempDirectory,
  TINY_CONFIG,
  tinyCheckpoint,
} from "./_tiny_checkpoint.ts";

/** How to store the matrices of a part. */
export interface PartFormat extends Quantization {
  readonly bits: 8 | 4 | 3 | 2;
  /** Whose names and numbers. */
  readonly by: "offloading" | "hqq";
  /** Which codes share a word. @default {"block"} */
  readonly packing?: "block" | "common";
  /** Scales of zeros that share one; not given: all do, if scales are quantized. */
  readonly zeroGroupSize?: number;
}

/** What to write. */
export interface StoredOptions {
  /** The attention's matrices; `null` for floats. */
  readonly attn: PartFormat | null;
  /** The experts' matrices; `null` for floats. */
  readonly experts: PartFormat | null;
  /**
   * One file for all tensors, or one for the trunk and one for each expert, in
   * which tensors have their whole name, or what comes after the expert's.
   *
   * @default {"one file"}
   */
  readonly shards?: "one file" | "absolute" | "relative";
  /** Fields of `config.json` that differ from {@linkcode STORED_CONFIG}. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** What to change before it is written. */
  readonly harm?: (tensors: TensorSource[]) => TensorSource[];
  /** Also quantizes routers, as tools do that take every linear layer. */
  readonly gates?: PartFormat;
}

/** A model whose weights are known. */
export interface StoredCheckpoint extends TempDirectory {
  /** The same model in floats, as it was before. */
  readonly floatPath: string;
  /** What hqq-ts makes of each quantized matrix, by name without end. */
  readonly tensors: ReadonlyMap<string, QuantizedTensor>;
  /** The weights that these mean. */
  readonly weights: ReadonlyMap<string, Float32Array>;
}

/** Sizes that groups divide; 3-bit words of 10 rows do not fill up. */
export const STORED_CONFIG = {
  ...TINY_CONFIG,
  "hidden_size": 64,
  "intermediate_size": 128,
};

/** The mixtral-offloading format at these sizes. */
export const OFFLOADING = {
  attn: {
    by: "offloading",
    bits: 4,
    axis: 0,
    groupSize: 16,
    scaleGroupSize: 32,
  },
  experts: {
    by: "offloading",
    bits: 2,
    axis: 0,
    groupSize: 16,
    scaleGroupSize: 64,
  },
} as const;

/**
 * Writes a model with seeded random weights, quantized by hqq-ts.
 *
 * @param options How.
 * @returns The directory, and what it means.
 */
export async function storedCheckpoint(
  options: StoredOptions,
): Promise<StoredCheckpoint> {
  const { shards = "one file", harm = (tensors) => tensors } = options;
  const config = { ...STORED_CONFIG, ...options.config };
  const floats = await tinyCheckpoint({ config, seed: 71 });
  const target = await tinyCheckpoint({ config, seed: 71 });
  await Deno.remove(`${target.path}/model.safetensors`);
  const tensors = new Map<string, QuantizedTensor>();
  const sources: TensorSource[] = [];
  using checkpoint = await Checkpoint.open(floats.path);
  for (const name of checkpoint.names()) {
    const format = formatOf(name, options);
    const { dtype, shape } = checkpoint.info(name);
    if (format === null) {
      sources.push({ name, dtype, shape, bytes: await checkpoint.read(name) });
      continue;
    }
    const base = name.replace(/\.weight$/, "");
    const weights = await checkpoint.readFloat32(name);
    // The narrower the weights, the more of their meta scales are 5e-5.
    const narrow = base.includes("q_proj")
      ? weights.map((w) => w / 8)
      : weights;
    const tensor = quantized(narrow, [shape[0]!, shape[1]!], format);
    tensors.set(base, tensor);
    sources.push(...tensorsOf(base, tensor, format));
  }
  await writeShards(target.path, harm(sources), shards);
  return {
    path: target.path,
    floatPath: floats.path,
    tensors,
    weights: new Map([...tensors].map(([base, t]) => [base, dequantize(t)])),
    [Symbol.dispose]() {
      floats[Symbol.dispose]();
      target[Symbol.dispose]();
    },
  };
}

/** The part that a tensor's name puts it in. */
export function partOf(name: string): Part | null {
  if (/\.self_attn\.[qkvo]_proj(\.|$)/.test(name)) return "attn";
  return /\.experts\.\d+\.w[123](\.|$)/.test(name) ? "experts" : null;
}

function formatOf(name: string, options: StoredOptions): PartFormat | null {
  if (name.endsWith(".gate.weight")) return options.gates ?? null;
  const part = partOf(name);
  return part === null ? null : options[part];
}

/** As a checkpoint holds it: what is float in files is rounded to float16. */
function quantized(
  weights: Float32Array,
  shape: readonly [number, number],
  { bits, axis, groupSize, scaleGroupSize, zeroGroupSize }: PartFormat,
): QuantizedTensor {
  const tensor = quantize(weights, {
    shape,
    bits,
    axis,
    groupSize,
    ...(scaleGroupSize === null ? {} : {
      quantScale: { groupSize: scaleGroupSize },
      quantZero: zeroGroupSize === undefined
        ? {}
        : { groupSize: zeroGroupSize, channelWise: true },
    }),
  });
  const rounded = (values: Float32Array | QuantizedMeta) =>
    values instanceof Float32Array ? values.map(fround16) : {
      ...values,
      scale: values.scale.map(fround16),
      zero: values.zero.map(fround16),
    };
  return {
    ...tensor,
    scale: rounded(tensor.scale),
    zero: rounded(tensor.zero),
  };
}

function tensorsOf(
  base: string,
  tensor: QuantizedTensor,
  format: PartFormat,
): TensorSource[] {
  const { bits, shape, groupSize } = tensor;
  const [N, K] = shape;
  const groupCount = N * K / groupSize!;
  const grouped: readonly [number, number] = tensor.axis === 0
    ? [groupSize!, groupCount]
    : [groupCount, groupSize!];
  const packed = format.packing === "common"
    ? packCommon(unpack(tensor.packed, { bits, shape: grouped }), {
      bits,
      shape,
    })
    : tensor.packed;
  const columns = format.packing === "common" ? K : grouped[1];
  const sources: TensorSource[] = [];
  const add = (
    name: string,
    { dtype, shape, bytes }: Omit<TensorSource, "name">,
  ) => sources.push({ name: `${base}.${name}`, dtype, shape, bytes });
  add("W_q", {
    dtype: bits === 3 ? "I32" : "U8",
    shape: [packed.length / columns, columns],
    bytes: bytesOf(packed),
  });
  const prefix = format.by === "offloading" ? "meta." : "";
  for (const which of ["scale", "zero"] as const) {
    const values = tensor[which];
    const addHalves = (name: string, floats: Float32Array, shape: number[]) =>
      add(name, { dtype: "F16", shape, bytes: encodeFloats(floats, "F16") });
    if (values instanceof Float32Array) {
      const shape = tensor.axis === 0 ? [1, groupCount] : [groupCount, 1];
      addHalves(`${prefix}${which}`, values, shape);
      continue;
    }
    const metaCount = values.scale.length;
    const metaShape = metaCount === 1 ? [] : [1, metaCount];
    add(`${prefix}${which}_q`, {
      dtype: "U8",
      shape: [groupCount / metaCount, metaCount],
      bytes: bytesOf(values.packed),
    });
    const meta = `${prefix}meta_${which}`;
    addHalves(`${meta}.scale`, values.scale, metaShape);
    addHalves(`${meta}.zero`, values.zero, metaShape);
  }
  if (format.by === "hqq") sources.push(...parametersOf(base, tensor));
  return sources;
}

/** Numbers and names as HQQ's `encode_safetensor_type` writes them. */
function parametersOf(base: string, tensor: QuantizedTensor): TensorSource[] {
  const { bits, axis, groupSize, shape, scale, zero } = tensor;
  const tensorOf = (key: string, dtype: Dtype, value: ArrayBufferView) => {
    const { byteLength, buffer, byteOffset } = value;
    const isScalar = dtype !== "I64" && !key.match(/packing|dtype/);
    return {
      name: `${base}.${key}`,
      dtype,
      shape: isScalar ? [] : [byteLength / (dtype === "I64" ? 8 : 1)],
      bytes: new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength),
    };
  };
  const integer = (key: string, value: number) =>
    tensorOf(key, "I32", Int32Array.of(value));
  const flag = (key: string, value: boolean) =>
    tensorOf(key, "U8", Uint8Array.of(Number(value)));
  const text = (key: string, value: string) =>
    tensorOf(key, "U8", new TextEncoder().encode(value));
  return [
    integer("nbits", bits),
    integer("group_size", groupSize!),
    integer("axis", axis),
    tensorOf("shape", "I64", BigInt64Array.from(shape, BigInt)),
    text("packing", bits === 3 ? "3bit_32" : `${bits}bit_u8`),
    text("compute_dtype", "torch.float16"),
    flag("view_as_float", false),
    flag("quant_scale", !(scale instanceof Float32Array)),
    flag("quant_zero", !(zero instanceof Float32Array)),
    flag("encoded_state_dict", true),
    flag("stores_quant_config", true),
    flag("channel_wise", true),
  ];
}

/** Shard 1 is the trunk, shard 2 + L E + e is expert e of layer L. */
async function writeShards(
  directory: string,
  tensors: readonly TensorSource[],
  shards: NonNullable<StoredOptions["shards"]>,
): Promise<void> {
  if (shards === "one file") {
    await writeSafetensors(`${directory}/model.safetensors`, tensors);
    return;
  }
  const experts = Map.groupBy(
    tensors,
    ({ name }) => name.match(/^.*\.experts\.\d+\./)?.[0] ?? "",
  );
  const weightMap: Record<string, string> = {};
  let index = 0;
  for (const [prefix, own] of experts) {
    const number = (n: number) => String(n).padStart(5, "0");
    const file = `model-${number(++index)}-of-${
      number(experts.size)
    }.safetensors`;
    for (const { name } of own) weightMap[name] = file;
    const cut = shards === "relative" ? prefix.length : 0;
    await writeSafetensors(
      `${directory}/${file}`,
      own.map((tensor) => ({ ...tensor, name: tensor.name.slice(cut) })),
    );
  }
  await Deno.writeTextFile(
    `${directory}/model.safetensors.index.json`,
    JSON.stringify({ metadata: {}, "weight_map": weightMap }),
  );
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView) {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}
