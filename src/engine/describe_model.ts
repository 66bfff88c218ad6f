/** What a model is, without a GPU. */

import {
  isOfRightLength,
  listModelFiles,
  type ModelFile,
} from "../hub/model_files.ts";
import type { PulledModel } from "../hub/models_folder.ts";
import { readPulledModel } from "../hub/pulled_model.ts";
import type { ModelConfig } from "../model/config.ts";
import {
  countParameters,
  type ParameterCounts,
} from "../model/count_parameters.ts";
import type { Packing } from "../model/stored_matrix.ts";
import { kvByteLength } from "../model/mixtral_buffers.ts";
import { trunkByteLength } from "../model/trunk_byte_length.ts";
import { readExpertLayout } from "../model/upload.ts";
import { slotsByteLength } from "../offload/model_sizes.ts";
import { bankSlotByteLength } from "../offload/slot_banks.ts";
import type { MatrixLayout } from "../ops/matrix.ts";
import { contextLengthOf } from "./context_length.ts";
import { checkLoadOptions, type LoadOptions } from "./load_options.ts";
import { openSource } from "./model_source.ts";
import type { GenerationDefaults } from "./generation_config.ts";
import type { TextFiles } from "./text_files.ts";

/** How the weights of a part are, once loaded. */
export interface WeightsDescription {
  /** `HQQ` for codes, or the type of floats. */
  readonly type: "HQQ" | "F32" | "F16" | "BF16";
  /** Bits of a code or float. */
  readonly bits: number;
  /** Bits of the files; more than `bits` where loading quantizes. */
  readonly storedBits: number;
  /** Bits of a weight on the GPU, scales and zeros shared out; of one matrix. */
  readonly bitsPerWeight: number;
  /** What a group is: 0 for output rows, 1 for inputs; `null` for floats. */
  readonly axis: 0 | 1 | null;
  /** Weights that share scale and zero; `null` for floats. */
  readonly groupSize: number | null;
  /** Scales that are quantized together; `null`: they are floats. */
  readonly scaleGroupSize: number | null;
  /** Which codes share a word of the files; `null` if these hold floats. */
  readonly packing: Packing | null;
}

/** Bytes of the parts of a model on the GPU. */
export interface ModelByteLengths {
  /** All weights that are no experts. */
  readonly trunk: number;
  /** One expert. */
  readonly expert: number;
  /** The experts of a layer. */
  readonly layerExperts: number;
  /** All experts. */
  readonly experts: number;
  /** The KV cache at `contextLength`. */
  readonly kvCache: number;
  /** Positions of that KV cache. */
  readonly contextLength: number;
  /**
   * All slots at 1, 2, ... slots a layer: (experts of a layer). To run, a layer
   * needs as many as a token has experts.
   */
  readonly slots: readonly number[];
}

/** A token that means something to the model. */
export interface SpecialToken {
  /** Its id. */
  readonly id: number;
  /** Its text. */
  readonly text: string;
}

/** What the tokenizer of a model is. */
export interface TokenizerDescription {
  /** One more than the highest id. */
  readonly vocabSize: number;
  /** What begins a text; `null` if nothing does. */
  readonly start: SpecialToken | null;
  /** What ends a text. */
  readonly ends: readonly SpecialToken[];
}

/** What {@linkcode describeModel} finds. */
export interface ModelDescription {
  /** What people call it. */
  readonly name: string;
  /** Where it lies, as it was given. */
  readonly directory: string;
  /** Layers, widths, heads and the like. */
  readonly config: ModelConfig;
  /** How many weights there are. */
  readonly parameters: ParameterCounts;
  /** The type of the embedding, which is never quantized. */
  readonly embeddingType: string;
  /** How the weights are, as the options load them. */
  readonly weights: Readonly<Record<"attn" | "experts", WeightsDescription>>;
  /** What they take on the GPU. */
  readonly byteLengths: ModelByteLengths;
  /** The tokenizer; `null` if there is none. */
  readonly tokenizer: TokenizerDescription | null;
  /** The chat template in Jinja; `null` if there is none. */
  readonly chatTemplate: string | null;
  /** How the model wants to be sampled. */
  readonly defaults: GenerationDefaults;
  /** The files in its directory, and those that are missing. */
  readonly files: readonly ModelFile[];
  /** Whether every file has the length that the hub said, if one said any. */
  readonly isWhole: boolean;
  /** Where it was fetched from; `null` if it was not. */
  readonly source: PulledModel | null;
}

/**
 * Says what a model is and what it takes. It reads headers and small files, and
 * opens no GPU.
 *
 * @param directory The model's directory, as for `load()`.
 * @param options How it would be loaded; what changes no bytes is ignored.
 * @returns The description; amounts are bytes.
 * @throws {Error} If a file is missing, broken or of an unknown kind, or the
 * model cannot be loaded like this.
 *
 * @example
 * ```ts
 * import { describeModel } from "../../mod.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const { config, weights } = await describeModel("models/stories-17m-q");
 * assertEquals(config.numLocalExperts, 8);
 * assertEquals(weights.experts.bits, 4);
 * ```
 */
export async function describeModel(
  directory: string,
  options: LoadOptions = {},
): Promise<ModelDescription> {
  checkLoadOptions(options);
  using model = await openSource(directory);
  const { name, config, stored, text } = model;
  const reader = model.reader(options);
  const contextLength = contextLengthOf(config, options);
  const { numHiddenLayers, numLocalExperts, numExpertsPerTok } = config;
  const queries = reader.layout("model.layers.0.self_attn.q_proj", [
    config.numAttentionHeads * config.headDim,
    config.hiddenSize,
  ], "attn");
  const layout = readExpertLayout(reader, config);
  const expert = layout.wordCount * 4;
  const sizes = {
    layerCount: numHiddenLayers,
    expertCount: numLocalExperts,
    topK: numExpertsPerTok,
    expertByteLength: expert,
    slotByteLength: bankSlotByteLength(expert),
    trunkByteLength: trunkByteLength(reader, config),
    kvByteLength: kvByteLength(config, contextLength),
    scratchByteLength: 0, // no slot takes any
  };
  const slotsOf = (count: number) =>
    slotsByteLength(sizes, Array<number>(numHiddenLayers).fill(count));
  const embedding = reader.floatLayout("model.embed_tokens.weight", [
    config.vocabSize,
    config.hiddenSize,
  ]);
  const source = await readPulledModel(directory);
  const files = await listModelFiles(directory, source);
  return {
    name: source === null ? name : `${source.owner}/${source.name}`,
    directory,
    config,
    parameters: countParameters(config),
    embeddingType: embedding.scheme.type,
    weights: {
      attn: describeWeights(queries, stored?.attn),
      experts: describeWeights(layout.up, stored?.experts),
    },
    byteLengths: {
      trunk: sizes.trunkByteLength,
      expert,
      layerExperts: numLocalExperts * expert,
      experts: numHiddenLayers * numLocalExperts * expert,
      kvCache: sizes.kvByteLength,
      contextLength,
      slots: Array.from({ length: numLocalExperts }, (_, i) => slotsOf(i + 1)),
    },
    tokenizer: describeTokenizer(text),
    chatTemplate: text.chatTemplate?.source ?? null,
    defaults: text.defaults,
    files,
    isWhole: files.every(isOfRightLength),
    source,
  };
}

/** By one matrix; all of a part are alike. */
function describeWeights(
  { N, K, scheme, wordCount }: MatrixLayout,
  stored: { readonly bits: number; readonly packing?: Packing } | undefined,
): WeightsDescription {
  const bitsPerWeight = wordCount * 32 / (N * K);
  const isStored = stored !== undefined && stored.bits !== 16;
  if (scheme.type !== "HQQ") {
    const bits = scheme.type === "F32" ? 32 : 16;
    return {
      type: scheme.type,
      ...{ bits, storedBits: bits, bitsPerWeight },
      ...{ axis: null, groupSize: null, scaleGroupSize: null, packing: null },
    };
  }
  const { bits, axis, groupSize, scaleGroupSize } = scheme;
  return {
    type: "HQQ",
    bits,
    storedBits: isStored ? stored.bits : 16,
    bitsPerWeight,
    ...{ axis, groupSize, scaleGroupSize },
    packing: isStored ? stored.packing ?? "block" : null,
  };
}

function describeTokenizer(
  { tokenizer, defaults }: TextFiles,
): TokenizerDescription | null {
  if (tokenizer === null) return null;
  const { vocabSize, bosId, bosToken } = tokenizer;
  const textOf = (id: number) =>
    id < vocabSize ? tokenizer.decode([id], { skipSpecialTokens: false }) : "";
  return {
    vocabSize,
    start: bosId === undefined ? null : { id: bosId, text: bosToken! },
    ends: (defaults.eosIds ?? []).map((id) => ({ id, text: textOf(id) })),
  };
}
