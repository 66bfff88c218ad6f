/** From weights that can be read to a model on the GPU. */

import type { Gpu } from "../gpu/device.ts";
import { GpuMemoryError } from "../gpu/memory.ts";
import type { Profiler } from "../gpu/profiler.ts";
import type { ModelConfig } from "../model/config.ts";
import { partsWithoutStrips } from "../model/activations.ts";
import { Mixtral } from "../model/mixtral.ts";
import type { OffloadOptions } from "../model/offload.ts";
import type { ExpertWatch } from "../offload/expert_watch.ts";
import { uploadWeights } from "../model/upload.ts";
import type { MatrixReader } from "../model/weight_reader.ts";
import type { Plan } from "../offload/placement.ts";
import { describeRefusal, smallerBudget } from "../offload/smaller_budget.ts";
import { activationsReport } from "./activations.ts";
import { chunkSizeOf, contextLengthOf } from "./context_length.ts";
import { withGuessAhead } from "./guess_ahead.ts";
import type { LoadOptions } from "./load_options.ts";
import {
  type OffloadInput,
  planModel,
  setUpOffload,
  type StoreOf,
} from "./offload_setup.ts";
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
 * Plans what of a model goes where, and loads it; with fewer slots than planned if
 * the GPU refuses memory for them, unless they were asked for.
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
  let plan = planModel(gpu, sizes);
  while (true) {
    options.onPlan?.(plan);
    using scope = gpu.memory.scope();
    try {
      const loaded = await loadPlanned(gpu, plan, { ...input, ...sizes });
      scope.keep();
      return loaded;
    } catch (error) {
      const instead = smallerPlan(gpu, { plan, sizes, error });
      if (instead === null) throw error;
      options.onNotice?.(describeRefusal(plan, instead));
      plan = instead;
    }
  }
}

/** A plan that the GPU's memory holds; `null` if that is not what failed. */
function smallerPlan(gpu: Gpu, { plan, sizes, error }: {
  plan: Plan;
  sizes: OffloadInput;
  error: unknown;
}): Plan | null {
  if (!(error instanceof GpuMemoryError)) return null;
  const { options } = sizes;
  const { refusedByteLength } = error;
  const vramByteLength = smallerBudget(plan, options, refusedByteLength);
  if (vramByteLength === null) return null;
  try {
    return planModel(gpu, {
      ...sizes,
      options: { ...options, vramByteLength },
    });
  } catch {
    return null; // not even the fewest slots fit
  }
}

async function loadPlanned(
  gpu: Gpu,
  plan: Plan,
  input: ModelInput & OffloadInput,
): Promise<LoadedModel> {
  const { config, reader, options, contextLength, chunkSize, storeOf } = input;
  const onProgress = options.onProgress &&
    sumProgress("loading", options.onProgress);
  using cleanup = new DisposableStack();
  // The host pool first: with VRAM full the system may refuse it. It fills while
  // everything else is loaded and compiled, unless it is somebody else's.
  const offload = await setUpOffload(gpu, plan, {
    ...input,
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
  await gpu.memory.check();
  if (!options.background) await offload?.store.filled;
  cleanup.move(); // the model owns the store
  return { model, plan, offload };
}
