/** Where a model's weights come from. */

import { Checkpoint } from "../io/checkpoint.ts";
import { readJson } from "../io/json_file.ts";
import { showJson } from "../io/show_json.ts";
import { type ModelConfig, parseConfig } from "../model/config.ts";
import { readStoredLayout } from "../model/read_stored_layout.ts";
import type { PlainReader } from "../model/plain_weights.ts";
import type { StoredLayout } from "../model/stored_layout.ts";
import type { SyntheticWeightsOptions } from "../model/synthetic_weights.ts";
import type { ParallelQuantizer } from "../model/quantize_job.ts";
import { type MatrixReader, WeightReader } from "../model/weight_reader.ts";
import type { LoadOptions } from "./load_options.ts";
import { readQuantizationFiles } from "./stored_quantization.ts";
import { readTextFiles, type TextFiles } from "./text_files.ts";
import { wantedParts } from "./wanted_parts.ts";

/** Reads weights as kernels take them, and as they are. */
export type ModelReader = MatrixReader & PlainReader;

/** A model that can be loaded, in one way or in several. */
export interface ModelSource extends Disposable {
  /** What people call it. */
  readonly name: string;
  /** What the model is. */
  readonly config: ModelConfig;
  /** Whether its weights are made up: then id t + 1 is to follow id t. */
  readonly isSynthetic: boolean;
  /** How its weights are stored; absent where they are made up. */
  readonly stored?: StoredLayout;
  /** Its files about text. */
  readonly text: TextFiles;
  /**
   * Makes what reads its weights, valid as long as the source.
   *
   * @param options How to load it, checked; seed and routing are for weights
   * that are made up, a quantizer for those that are quantized on the way.
   * @returns The reader.
   * @throws {RangeError} If the weights cannot be had like this.
   */
  reader(options: ReaderOptions): ModelReader;
}

/** How weights are read. */
export interface ReaderOptions extends LoadOptions, SyntheticWeightsOptions {
  /** Quantizes matrices side by side; without it this thread does. */
  readonly quantizer?: ParallelQuantizer | undefined;
}

/**
 * Opens a checkpoint in Hugging Face's layout.
 *
 * @param directory Its directory.
 * @returns The source, which keeps files open.
 * @throws {Error} If a file is missing, broken or of an unknown kind.
 */
export async function openSource(directory: string): Promise<ModelSource> {
  const configPath = `${directory}/config.json`;
  const configJson = await readJson(configPath).catch(async (error) => {
    const isThere = !(error.cause instanceof Deno.errors.NotFound) &&
      !(error.cause instanceof Deno.errors.NotADirectory);
    if (!isThere) await refuseOtherFormats(directory);
    throw error;
  });
  const config = parseConfig(configJson, configPath);
  using cleanup = new DisposableStack();
  // It stays open: a disk store reads from it while the model runs.
  const checkpoint = cleanup.use(await Checkpoint.open(directory));
  const text = await readTextFiles(directory);
  const files = await readQuantizationFiles(directory, configJson);
  const stored = await readStoredLayout(checkpoint, config, files);
  const owned = cleanup.move();
  return {
    name: directory.replace(/[/\\]+$/, "").split(/[/\\]/).at(-1)!,
    config,
    isSynthetic: false,
    stored,
    text,
    reader: (options) =>
      new WeightReader(checkpoint, {
        stored,
        wanted: wantedParts(options, stored),
        quantizer: options.quantizer,
      }),
    [Symbol.dispose]: () => owned.dispose(),
  };
}

/** Says of what is no directory of ours what it is, where that is plain to see. */
async function refuseOtherFormats(directory: string): Promise<void> {
  const refuse = (state: string) => {
    throw new Error(
      `Cannot open the model ${directory}: it ${state}, wanted a directory in Hugging Face's layout, with config.json and *.safetensors`,
    );
  };
  const found = await Deno.stat(directory).catch(() => null);
  if (found?.isFile) refuse("is a file");
  if (!found?.isDirectory) return;
  for await (const { name } of Deno.readDir(directory)) {
    if (name.endsWith(".gguf")) refuse(`holds ${showJson(name)}`);
  }
}
