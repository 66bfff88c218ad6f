import type { ModelConfig } from "../model/config.ts";
import type { Plan } from "../offload/placement.ts";
import { contextLengthOf } from "./context_length.ts";
import { checkLoadOptions, type LoadOptions } from "./load_options.ts";
import { openSource } from "./model_source.ts";
import { planModel } from "./offload_setup.ts";
import { openGpu } from "./open_gpu.ts";

/**
 * Plans what of a model would go where, and loads nothing.
 *
 * @param directory The model, as `load()` opens it.
 * @param options How it would be loaded.
 * @returns What the model is, and the plan.
 * @throws {Error} If it cannot be opened, or does not fit.
 */
export async function planDirectory(
  directory: string,
  options: LoadOptions,
): Promise<{ config: ModelConfig; plan: Plan }> {
  checkLoadOptions(options);
  using source = await openSource(directory);
  const { config } = source;
  const reader = source.reader(options);
  const { gpu } = await openGpu(options.tuning);
  using _ = gpu;
  const contextLength = contextLengthOf(config, options);
  const chunkSize = Math.min(options.chunkSize ?? 512, contextLength);
  const input = { config, reader, options, contextLength, chunkSize };
  return { config, plan: planModel(gpu, input) };
}
