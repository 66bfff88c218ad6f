/** From a directory to an engine. */

import type { ModelConfig } from "../model/config.ts";
import type { MatrixReader } from "../model/weight_reader.ts";
import { ExpertWatch } from "../offload/expert_watch.ts";
import { Engine } from "./engine.ts";
import type { DeviceParts } from "./lasting_model.ts";
import { loadModel } from "./load_model.ts";
import { checkLoadOptions, type LoadOptions } from "./load_options.ts";
import { openSource } from "./model_source.ts";
import { openGpu } from "./open_gpu.ts";
import { ModelProfile } from "./profile_model.ts";
import type { TextFiles } from "./text_files.ts";

/**
 * Loads a model from a directory in Hugging Face's layout: `config.json`,
 * `tokenizer.json`, `tokenizer_config.json`, `*.safetensors`, and if there are
 * any `generation_config.json` and `chat_template.jinja`. Weights may be floats,
 * or quantized by us, by HQQ or as mixtral-offloading publishes them: what there
 * is is found out from the tensors.
 *
 * If the GPU's device is lost, the answer that runs fails with a `DeviceLostError`,
 * and the next one loads the model again, of which the hooks of the options hear.
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
  using cleanup = new DisposableStack();
  const source = cleanup.use(await openSource(directory));
  const { config, name, text } = source;
  const reader = source.reader(options);
  const owned = cleanup.move();
  return await loadFrom(reader, { config, options, name, text, owned });
}

/** What an engine is loaded from, besides weights. */
export interface LoadParts {
  /** What the model is. */
  readonly config: ModelConfig;
  /** How to load it, checked. */
  readonly options: LoadOptions;
  /** What to call it. */
  readonly name: string;
  /** Tokenizer, chat template and defaults. */
  readonly text: TextFiles;
  /** What to free with the engine, or if loading fails. */
  readonly owned: DisposableStack;
}

/**
 * Loads a model from wherever its weights come from.
 *
 * @param reader The weights.
 * @param parts What else it takes.
 * @returns The engine, which owns what `parts` owned.
 * @throws {Error} If the weights cannot be read, or there is no GPU.
 */
export async function loadFrom(
  reader: MatrixReader,
  { config, options, name, text, owned }: LoadParts,
): Promise<Engine> {
  using cleanup = owned;
  const watch = new ExpertWatch();
  const reload = () => loadOnDevice(reader, { config, options, watch });
  const device = await reload();
  const { promptCacheBytes = 0 } = options;
  const parts = { ...text, name, device, reload, watch, promptCacheBytes };
  return new Engine({ ...parts, owned: cleanup.move() });
}

/** Opens a device and loads the model to it. */
async function loadOnDevice(
  reader: MatrixReader,
  { config, options, watch }: Pick<LoadParts, "config" | "options"> & {
    watch: ExpertWatch;
  },
): Promise<DeviceParts> {
  using cleanup = new DisposableStack();
  const { gpu, report } = await openGpu(options.tuning);
  cleanup.use(gpu);
  options.onTuning?.(report);
  const profile = options.profile
    ? cleanup.use(await ModelProfile.open(gpu))
    : null;
  const { model, plan } = await loadModel(gpu, {
    config,
    reader,
    options,
    watch,
    ...profile && {
      profiler: profile.profiler,
      // Whole, and while there is room to measure.
      storeOf: async (plan, make) => {
        const store = await make();
        await profile.measureLink(store, plan.expertByteLength);
        return store;
      },
    },
  });
  cleanup.use(model);
  const owned = cleanup.move();
  return {
    gpu,
    model,
    plan,
    profile,
    [Symbol.dispose]: () => owned.dispose(),
  };
}
