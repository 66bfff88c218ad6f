import type { ModelConfig } from "../model/config.ts";
import type { Plan } from "../offload/placement.ts";
import { planLoad } from "./forecast/planned.ts";
import { checkLoadOptions, type LoadOptions } from "./load_options.ts";
import { openSource } from "./model_source.ts";
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
  const { gpu } = await openGpu(options.tuning);
  using _ = gpu;
  const { plan } = planLoad(gpu, source, options);
  return { config: source.config, plan };
}
