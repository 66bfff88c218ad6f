/** A made-up model as a checkpoint on disk. */

import { basename, dirname, join } from "@std/path";
import { fileError } from "../io/file_error.ts";
import { forEachParallel } from "../io/for_each_parallel.ts";
import { writeSafetensors } from "../io/safetensors_writer.ts";
import { tensorByteLength } from "../io/tensor_spec.ts";
import type { ModelConfig } from "./config.ts";
import {
  type OffloadingTensor,
  offloadingTensors,
} from "./offloading_tensors.ts";
import type { SyntheticWeights } from "./synthetic_weights.ts";
import type { Progress } from "./upload.ts";
import type { Part, Quantization } from "./quantization.ts";

/** How to write a checkpoint. */
export interface WriteSyntheticOptions {
  /** The weights. */
  readonly weights: SyntheticWeights;
  /** How each part is quantized: to fewer than 16 bits. */
  readonly parts: Readonly<Record<Part, Quantization>>;
  /**
   * How an expert's tensors are called in its file: `w1.W_q`, or by their name in
   * the index.
   *
   * @default {"relative"}
   */
  readonly names?: "relative" | "absolute" | undefined;
  /** Files of another model to put beside it, such as its tokenizer. */
  readonly copies?: readonly string[] | undefined;
  /** Called after each file. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Stops it; nothing is left behind. */
  readonly signal?: AbortSignal | undefined;
}

/** What was written. */
export interface WrittenCheckpoint {
  /** Bytes of all tensors: `metadata.total_size` of the index. */
  readonly byteLength: number;
  /** Names in the index. */
  readonly tensorCount: number;
  /** Files of tensors. */
  readonly fileCount: number;
}

/** One is filled while another is written. */
const FILES_AT_ONCE = 2;

/**
 * Writes a made-up model in the layout of mixtral-offloading's demo. The
 * directory appears when it is whole; until then it is called
 * `<directory>.<random>.part`.
 *
 * @param directory The directory to make.
 * @param options The weights, and how to write them.
 * @returns What was written.
 * @throws {Error} If the directory is there, or cannot be written.
 */
export async function writeSynthetic(
  directory: string,
  options: WriteSyntheticOptions,
): Promise<WrittenCheckpoint> {
  const { weights, parts, copies = [] } = options;
  const tensors = offloadingTensors(weights.config, parts);
  const byteLength = tensors.reduce((sum, t) => sum + tensorByteLength(t), 0);
  const files = Map.groupBy(tensors, ({ file }) => file);
  const part = await makePart(directory);
  try {
    await writeJson(`${part}/config.json`, configJson(weights.config));
    await writeJson(`${part}/quantization_config.json`, {
      type: "hqq",
      attn: partJson(parts.attn, true),
      experts: partJson(parts.experts, false),
    });
    await writeJson(`${part}/model.safetensors.index.json`, {
      metadata: { "total_size": byteLength },
      "weight_map": Object.fromEntries(
        tensors.map(({ name, file }) => [name, file]),
      ),
    });
    for (const path of copies) {
      await Deno.copyFile(path, join(part, basename(path)));
    }
    await writeFiles(part, files, options);
    await Deno.rename(part, directory);
  } catch (error) {
    await Deno.remove(part, { recursive: true }).catch(() => {}); // the first error matters
    throw fileError(`write ${directory}`, error);
  }
  return { byteLength, tensorCount: tensors.length, fileCount: files.size };
}

/** Makes sure that there is a place before minutes of work. */
async function makePart(directory: string): Promise<string> {
  const path = join(dirname(directory), basename(directory));
  const isThere = await Deno.stat(path).then(() => true, () => false);
  if (isThere) {
    throw new Error(
      `Cannot write ${directory}: it is there already, wanted the name of a new directory`,
    );
  }
  const part = `${path}.${crypto.randomUUID()}.part`;
  try {
    await Deno.mkdir(part, { recursive: true });
  } catch (error) {
    throw fileError(`write ${directory}`, error);
  }
  return part;
}

async function writeFiles(
  directory: string,
  files: ReadonlyMap<string, readonly OffloadingTensor[]>,
  { weights, names, onProgress, signal }: WriteSyntheticOptions,
): Promise<void> {
  let done = 0;
  /** For the bytes of a tensor, one for each file that is being written. */
  const rooms: Uint8Array<ArrayBuffer>[] = [];
  await forEachParallel(files, {
    limit: FILES_AT_ONCE,
    async run([file, tensors]) {
      let room = rooms.pop() ?? new Uint8Array(0);
      const bytesOf = (tensor: OffloadingTensor) => {
        signal?.throwIfAborted();
        const byteLength = tensorByteLength(tensor);
        if (byteLength > room.length) room = new Uint8Array(byteLength);
        const bytes = room.subarray(0, byteLength);
        writeTensor(weights, tensor, bytes);
        return bytes;
      };
      await writeSafetensors(
        `${directory}/${file}`,
        tensors.map((tensor) => ({
          name: names === "absolute" ? tensor.name : tensor.nameInFile,
          dtype: tensor.dtype,
          shape: tensor.shape,
          bytes: () => bytesOf(tensor), // made when it is its turn
        })),
        { format: "pt" },
      );
      rooms.push(room);
      onProgress?.({ what: "writing", done: ++done, total: files.size });
    },
  });
}

/**
 * Makes up the bytes of a tensor.
 *
 * @param weights The weights.
 * @param tensor Which tensor.
 * @param into Where to: all of its bytes.
 */
function writeTensor(
  weights: SyntheticWeights,
  { name, shape, of }: OffloadingTensor,
  into: Uint8Array,
): void {
  if (of === null) {
    const { buffer, byteOffset, byteLength } = into;
    const halves = new Uint16Array(buffer, byteOffset, byteLength / 2);
    return weights.writeHalves(name, shape.at(-1)!, halves);
  }
  const { key } = of;
  if (key === "codes" || key === "scaleCodes" || key === "zeroCodes") {
    return weights.writeCodes(of, key, into);
  }
  into.set(new Uint8Array(weights.meta(of)[key].buffer));
}

/** As Hugging Face writes it. */
function configJson(config: ModelConfig): Record<string, unknown> {
  return {
    architectures: ["MixtralForCausalLM"],
    "model_type": config.modelType,
    "vocab_size": config.vocabSize,
    "hidden_size": config.hiddenSize,
    "intermediate_size": config.intermediateSize,
    "num_hidden_layers": config.numHiddenLayers,
    "num_attention_heads": config.numAttentionHeads,
    "num_key_value_heads": config.numKeyValueHeads,
    "head_dim": config.headDim,
    "num_local_experts": config.numLocalExperts,
    "num_experts_per_tok": config.numExpertsPerTok,
    "max_position_embeddings": config.maxPositionEmbeddings,
    "sliding_window": config.slidingWindow,
    "rope_theta": config.ropeTheta,
    "rms_norm_eps": config.rmsNormEps,
    "tie_word_embeddings": config.tieWordEmbeddings,
    "hidden_act": "silu",
    "torch_dtype": "float16",
  };
}

/** A part as HQQ's `BaseQuantizeConfig`. */
function partJson(
  { bits, groupSize, scaleGroupSize }: Quantization,
  roundZero: boolean,
): Record<string, unknown> {
  return {
    "weight_quant_params": {
      nbits: bits,
      "channel_wise": true,
      "group_size": groupSize,
      optimize: true,
      "round_zero": roundZero,
    },
    "scale_quant_params": {
      nbits: 8,
      "channel_wise": true,
      "group_size": scaleGroupSize,
      optimize: false,
    },
    "zero_quant_params": {
      nbits: 8,
      "channel_wise": false,
      "group_size": null,
      optimize: false,
    },
  };
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await Deno.writeTextFile(path, JSON.stringify(value, null, 2) + "\n");
}
