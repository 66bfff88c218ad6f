/** From weights that can be read to a model on the GPU. */

import type { Gpu } from "../gpu/device.ts";
import type { Profiler } from "../gpu/profiler.ts";
import type { ModelConfig } from "../model/config.ts";
import { partsWithoutStrips } from "../model/activations.ts";
import { Mixtral } from "../model/mixtral.ts";
import type { OffloadOptions } from "../model/offload.ts";
import type { ExpertWatch } from "../offload/expert_watch.ts";
import { uploadWeights } from "../model/upload.ts";
import type { MatrixReader } from "../model/weights.ts";
import type { Plan } from "../offload/placement.ts";
import { activationsReport } from "./activations.ts";
import { chunkSizeOf, contextLengthOf } from "./context_length.ts";
import { withGuessAhead } from "./guess_ahead.ts";
import type { LoadOptions } from "./load_options.ts";
import { planModel, setUpOffload, type StoreOf } from "./offload_setup.ts";
import { sumProgress } from "./sum_progress.ts";

/** What a model is made from. */
export interface ModelInput {
  /** What the model is. */
  readonly config: ModelConfig;
  /** Its weights. */
  readonly reader: MatrixReader;
  /** How to load it, checked. */
  readonly options: LoadOptions;
  /** Who keeps host stores; without it each model makes and frees its own. */
  readonly storeOf?: StoreOf | undefined;
  /** Who hears what experts do. */
  readonly watch?: ExpertWatch | undefined;
  /** Times each op; whoever made it frees it. */
  readonly profiler?: Profiler | undefined;
}

/** A model, and how it came about. */
export interface LoadedModel {
  /** The model; whoever loaded it disposes of it. */
  readonly model: Mixtral;
  /** What went where. */
  readonly plan: Plan;
  /** How experts are offloaded; `null` if all are on the GPU. */
  readonly offload: OffloadOptions | null;
}

/**
 * Plans what of a model goes where, and loads it.
 *
 * @param gpu The GPU.
 * @param input The model, and how to load it.
 * @returns The model and its plan.
 * @throws {Error} If it does not fit, or its weights cannot be read.
 */
export async function loadModel(
  gpu: Gpu,
  input: ModelInput,
): Promise<LoadedModel> {
  const { config, reader } = input;
  const options = withGuessAhead(input.options, config);
  const contextLength = contextLengthOf(config, options);
  const chunkSize = chunkSizeOf(contextLength, options);
  const sizes = { config, reader, options, contextLength, chunkSize };
  const plan = planModel(gpu, sizes);
  options.onPlan?.(plan);
  const { storeOf } = input;
  const onProgress = options.onProgress &&
    sumProgress("loading", options.onProgress);
  using cleanup = new DisposableStack();
  // The host pool first: with VRAM full the system may refuse it. It fills while
  // everything else is loaded and compiled, unless it is somebody else's.
  const offload = await setUpOffload(gpu, plan, {
    ...sizes,
    storeOf,
    isBackground: storeOf === undefined,
    onExperts: onProgress?.(),
  });
  cleanup.defer(() => offload?.store[Symbol.dispose]());
  const resident = new Set(plan.residentLayers);
  const weights = await uploadWeights(gpu, config, {
    reader,
    isResident: (layer) => resident.has(layer),
    onProgress: onProgress?.(),
  });
  const { activations = "float32" } = options;
  gpu.activations = activations; // of the ops that are made from here on
  options.onActivations?.(activationsReport(activations, {
    adapter: gpu.name,
    isSoftware: gpu.isSoftware && !gpu.hasWideWorkgroups,
    unreached: partsWithoutStrips(gpu, weights),
  }));
  const model = cleanup.use(
    await Mixtral.create(gpu, weights, {
      contextLength,
      chunkSize,
      offload,
      onRouting: options.onRouting,
      guessAhead: options.guessAhead,
      isWatchable: options.watchable,
      watch: input.watch,
      profiler: input.profiler,
    }),
  );
  if (!options.background) await offload?.store.filled;
  cleanup.move(); // the model owns the store
  return { model, plan, offload };
}
