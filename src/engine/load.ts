/** From a directory to an engine. */

import { Gpu } from "../gpu/device.ts";
import { Checkpoint } from "../io/checkpoint.ts";
import { readJson } from "../io/json_file.ts";
import { parseConfig } from "../model/config.ts";
import { Mixtral } from "../model/mixtral.ts";
import { uploadWeights } from "../model/upload.ts";
import { WeightReader } from "../model/weights.ts";
import { Engine } from "./engine.ts";
import {
  checkLoadOptions,
  contextLengthOf,
  type LoadOptions,
  wantedParts,
} from "./load_options.ts";
import { planModel, setUpOffload } from "./offload_setup.ts";
import { readStoredQuantization } from "./stored_quantization.ts";
import { sumProgress } from "./sum_progress.ts";
import { readTextFiles } from "./text_files.ts";

/**
 * Loads a model from a directory in Hugging Face's layout: `config.json`,
 * `tokenizer.json`, `tokenizer_config.json`, `*.safetensors`, and if there are
 * any `generation_config.json` and `chat_template.jinja`.
 *
 * @param directory The directory.
 * @param options How to load it.
 * @returns The engine. Dispose of it to free the GPU's memory.
 * @throws {Error} If a file is missing, broken or of an unknown kind, or there
 * is no GPU: one sentence that says what, where and what was wanted.
 *
 * @example
 * ```ts
 * import { load } from "../../mod.ts";
 * import { assert } from "@std/assert";
 *
 * using engine = await load("models/stories-17m", { contextLength: 128 });
 * let text = "";
 * for await (const piece of engine.generate("Once upon a time", { maxTokens: 8 })) {
 *   text += piece.text;
 * }
 * assert(text.length > 0);
 * ```
 */
export async function load(
  directory: string,
  options: LoadOptions = {},
): Promise<Engine> {
  checkLoadOptions(options);
  const configPath = `${directory}/config.json`;
  const configJson = await readJson(configPath);
  const config = parseConfig(configJson, configPath);
  using cleanup = new DisposableStack();
  // It stays open: a disk store reads from it while the model runs.
  const checkpoint = cleanup.use(await Checkpoint.open(directory));
  const text = await readTextFiles(directory);
  const stored = readStoredQuantization(configJson, configPath);
  const reader = new WeightReader(checkpoint, {
    stored,
    wanted: wantedParts(options, stored),
  });
  const contextLength = contextLengthOf(config, options);
  const chunkSize = Math.min(options.chunkSize ?? 512, contextLength);
  const gpu = cleanup.use(await Gpu.open());
  const onProgress = options.onProgress &&
    sumProgress("loading", options.onProgress);
  const input = { config, reader, options, contextLength, chunkSize };
  const plan = planModel(gpu, input);
  options.onPlan?.(plan);
  // The host pool first: with VRAM full the system may refuse it. It fills while
  // everything else is loaded and compiled.
  const offload = await setUpOffload(gpu, plan, {
    ...input,
    isBackground: true,
    onExperts: onProgress?.(),
  });
  cleanup.defer(() => offload?.store[Symbol.dispose]());
  const resident = new Set(plan.residentLayers);
  const weights = await uploadWeights(gpu, config, {
    reader,
    isResident: (layer) => resident.has(layer),
    onProgress: onProgress?.(),
  });
  const model = cleanup.use(
    await Mixtral.create(gpu, weights, {
      contextLength,
      chunkSize,
      offload,
      onRouting: options.onRouting,
    }),
  );
  if (!options.background) await offload?.store.filled;
  const name = directory.replace(/[/\\]+$/, "").split(/[/\\]/).at(-1)!;
  return new Engine({
    ...text,
    name,
    gpu,
    model,
    owned: cleanup.move(),
  });
}
