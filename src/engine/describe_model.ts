import { readPulledModel } from "../hub/pulled_model.ts";
import type { PulledModel } from "../hub/models_folder.ts";
import type { ModelConfig } from "../model/config.ts";
import { matricesOf } from "../model/stored_layout.ts";
import type { StoredPart } from "../model/stored_matrix.ts";
import { kvByteLength, trunkByteLength } from "../model/trunk_byte_length.ts";
import { readExpertLayout } from "../model/upload.ts";
import type { Part } from "../model/weights.ts";
import {
  checkLoadOptions,
  type LoadOptions,
  wantedParts,
} from "./load_options.ts";
import { openSource } from "./model_source.ts";
import type { GenerationDefaults } from "./generation_config.ts";

/** What a model is, and what it takes. */
export interface ModelDescription {
  /** The name of its directory. */
  readonly name: string;
  /** Its directory. */
  readonly directory: string;
  /** What the model is. */
  readonly config: ModelConfig;
  /** How many weights there are. */
  readonly parameters: ParameterCounts;
  /** How the weights would lie on the GPU. */
  readonly weights: Readonly<Record<Part, StoredPart>>;
  /** What it takes in memory. */
  readonly bytes: ModelBytes;
  /** Its files, by path. */
  readonly files: readonly { path: string; byteLength: number }[];
  /** Bytes of its files. */
  readonly fileByteLength: number;
  /** Text to ids; `null` if there is no tokenizer. */
  readonly tokenizer:
    | { vocabSize: number; bosToken: string | null; eosToken: string | null }
    | null;
  /** The chat template; `null` if there is none. */
  readonly chatTemplate: string | null;
  /** What its files say of how to generate. */
  readonly defaults: GenerationDefaults;
  /** Where it came from; `null` if it was not fetched. */
  readonly source: PulledModel | null;
  /** Files that differ in size from what was fetched, or are missing. */
  readonly changedFiles: readonly string[];
}

/** How many weights a model has. */
export interface ParameterCounts {
  /** All. */
  readonly total: number;
  /** Those that a token goes through. */
  readonly active: number;
  /** Those of all experts. */
  readonly experts: number;
}

/** What a model takes in memory, as it would be loaded. */
export interface ModelBytes {
  /** All weights but the experts. */
  readonly trunk: number;
  /** An expert. */
  readonly expert: number;
  /** All experts of all layers. */
  readonly experts: number;
  /** Keys and values of one position. */
  readonly position: number;
}

/**
 * Describes a model: what it is, how many weights it has, and what these take as
 * they would be loaded. It opens no GPU and reads no weights.
 *
 * @param directory The model, as `load()` opens it.
 * @param options How it would be loaded.
 * @returns The description.
 * @throws {Error} If it cannot be opened.
 *
 * @example
 * ```ts
 * import { describeModel } from "../../mod.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const { parameters, weights } = await describeModel("models/stories-17m-q");
 * assertEquals(parameters.total, 17_366_784);
 * assertEquals(weights.experts.bits, 4);
 * ```
 */
export async function describeModel(
  directory: string,
  options: LoadOptions = {},
): Promise<ModelDescription> {
  checkLoadOptions(options);
  using source = await openSource(directory);
  const { config, text } = source;
  const reader = source.reader(options);
  const expert = readExpertLayout(reader, config).wordCount * 4;
  const expertCount = config.numHiddenLayers * config.numLocalExperts;
  const files = await filesIn(directory);
  const pulled = await readPulledModel(directory);
  const sizes = new Map(files.map((file) => [file.path, file.byteLength]));
  return {
    name: source.name,
    directory,
    config,
    parameters: countParameters(config),
    weights: weightsOf(options, source.stored!),
    bytes: {
      trunk: trunkByteLength(reader, config),
      expert,
      experts: expertCount * expert,
      position: kvByteLength(config, 1),
    },
    files,
    fileByteLength: files.reduce((sum, file) => sum + file.byteLength, 0),
    tokenizer: text.tokenizer && {
      vocabSize: text.tokenizer.vocabSize,
      bosToken: text.tokenizer.bosToken ?? null,
      eosToken: text.tokenizer.eosToken ?? null,
    },
    chatTemplate: text.chatTemplate?.source ?? null,
    defaults: text.defaults,
    source: pulled,
    changedFiles: (pulled?.files ?? [])
      .filter((file) => sizes.get(file.path) !== file.byteLength)
      .map(({ path }) => path),
  };
}

/**
 * Counts the weights of a model: matrices of attention and experts, embedding and
 * output matrix, routers and norms.
 *
 * @param config What the model is.
 * @returns The counts.
 */
export function countParameters(config: ModelConfig): ParameterCounts {
  const { numHiddenLayers, numLocalExperts, numExpertsPerTok } = config;
  const { hiddenSize, vocabSize } = config;
  const sumOf = (part: Part) =>
    matricesOf(config, part).map(({ shape: [N, K] }) => N * K)
      .reduce((sum, count) => sum + count, 0);
  const experts = sumOf("experts");
  const embeddings = (config.tieWordEmbeddings ? 1 : 2) * vocabSize *
    hiddenSize;
  const small = numHiddenLayers * (numLocalExperts + 2) * hiddenSize +
    hiddenSize;
  const trunk = sumOf("attn") + embeddings + small;
  return {
    total: trunk + experts,
    active: trunk + experts * numExpertsPerTok / numLocalExperts,
    experts,
  };
}

/** A part keeps its layout unless other bits or groups are asked for. */
function weightsOf(
  options: LoadOptions,
  stored: Readonly<Record<Part, StoredPart>>,
): Record<Part, StoredPart> {
  const wanted = wantedParts(options, stored);
  const isAsked = (prefix: "attn" | "expert") =>
    (options[`${prefix}Bits`] ?? options[`${prefix}GroupSize`] ??
      options[`${prefix}ScaleGroupSize`]) !== undefined;
  return {
    attn: isAsked("attn") ? wanted.attn! : stored.attn,
    experts: isAsked("expert") ? wanted.experts! : stored.experts,
  };
}

/** The files of a directory, those of folders in it too, by path. */
async function filesIn(
  directory: string,
  prefix = "",
): Promise<{ path: string; byteLength: number }[]> {
  const files: { path: string; byteLength: number }[] = [];
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    const path = prefix + name;
    if (isDirectory) {
      files.push(...await filesIn(`${directory}/${name}`, `${path}/`));
      continue;
    }
    const { size } = await Deno.stat(`${directory}/${name}`);
    files.push({ path, byteLength: size });
  }
  return files.sort((a, b) => a.path < b.path ? -1 : 1);
}
