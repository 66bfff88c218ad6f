/** From a directory to an engine. */

import { Gpu } from "../gpu/device.ts";
import { Engine } from "./engine.ts";
import { loadModel } from "./load_model.ts";
import { checkLoadOptions, type LoadOptions } from "./load_options.ts";
import { openSource } from "./model_source.ts";

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
  using cleanup = new DisposableStack();
  const { config, text, name, reader } = cleanup.use(
    await openSource(directory),
  );
  const weights = reader(options);
  const gpu = cleanup.use(await Gpu.open());
  const { model } = await loadModel(gpu, { config, reader: weights, options });
  cleanup.use(model);
  return new Engine({ ...text, name, gpu, model, owned: cleanup.move() });
}
