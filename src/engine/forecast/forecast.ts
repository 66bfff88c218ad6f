/** What a model will come to on this machine, before it is loaded. */

import type { Gpu } from "../../gpu/device.ts";
import type { ModelConfig } from "../../model/config.ts";
import type { SyntheticShape } from "../../model/synthetic_shapes.ts";
import type { Plan } from "../../offload/placement.ts";
import type { RoutingTrace } from "../../offload/routing_trace.ts";
import { type GpuFacts, gpuFacts } from "../gpu_facts.ts";
import { syntheticSource } from "../load_synthetic.ts";
import type { LoadOptions } from "../load_options.ts";
import { type ModelSource, openSource } from "../model_source.ts";
import { openGpu } from "../open_gpu.ts";
import { freeByteLength } from "../this_machine.ts";
import { type Estimate, estimate, type MachineCosts } from "./estimate.ts";
import { findChanges, type HelpfulChange } from "./find_changes.ts";
import { type HitRates, hitRates, type HitRateSource } from "./hit_rates.ts";
import { CostMeter } from "./machine_costs.ts";
import { noticesOf } from "./notices.ts";
import { type Placement, placementsOf, vramBudget } from "./placements.ts";
import { planLoad, type Planned } from "./planned.ts";
import { weightFiles } from "./weight_files.ts";

/** Options for {@linkcode forecast}. */
export interface ForecastOptions {
  /**
   * How the model is to be loaded.
   *
   * @default {{}}
   */
  readonly load?: LoadOptions;
  /**
   * How often experts are found in a slot with the slots that are planned: from
   * 0 to 1.
   *
   * @default {undefined} slots / experts, as for routing that is even and random
   */
  readonly hitRate?: number | undefined;
  /** What the model's routers chose for some text: says how often, instead. */
  readonly trace?: RoutingTrace | undefined;
  /**
   * Whether to measure the machine: without it there are no speeds.
   *
   * @default {true}
   */
  readonly isMeasured?: boolean;
  /** Hears what is about to be measured. */
  readonly onProgress?: ((what: string) => void) | undefined;
  /** Stops before the next measurement when aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** The speed at a hit rate. */
export interface SpeedAt {
  /** The hit rate, in all layers that are not resident. */
  readonly hitRate: number;
  /** What link and VRAM allow, tokens a second. */
  readonly rooflineTokensPerSecond: number;
  /** What is to be expected; `null` if experts are on a disk of unknown speed. */
  readonly tokensPerSecond: number | null;
}

/** What a model will come to on this machine. */
export interface Forecast {
  /** What people call the model. */
  readonly model: string;
  /** What people call the GPU. */
  readonly adapter: string;
  /** Its memory and driver, as far as they are known. */
  readonly gpu: GpuFacts;
  /** Bytes of VRAM that placements are to fit in: asked for, free, or 8 GiB. */
  readonly vramBudgetByteLength: number;
  /** Bytes of RAM that programs could take now; `Infinity` if we may not know. */
  readonly availableRamByteLength: number;
  /** Bits of the attention's weights; 16 for floats. */
  readonly attnBits: number;
  /** Bits of the experts' weights; 16 for floats. */
  readonly expertBits: number;
  /** Experts of a layer. */
  readonly expertCount: number;
  /** Positions of the KV cache. */
  readonly contextLength: number;
  /** What goes where. */
  readonly plan: Plan;
  /** Where hit rates come from, and how, in a sentence. */
  readonly hitRates: {
    readonly source: HitRateSource;
    readonly reason: string;
  };
  /** What was measured; `null` if nothing was. */
  readonly costs: MachineCosts | null;
  /** How the plan will do. */
  readonly expected: Estimate;
  /** The same for every number of slots. */
  readonly placements: readonly Placement[];
  /** The plan's speed by its hit rate; empty without speeds or misses. */
  readonly speedsByHitRate: readonly SpeedAt[];
  /** Flags that would help, the most helpful first. */
  readonly changes: readonly HelpfulChange[];
  /** What stands in the way, or was left out, a sentence each. */
  readonly notices: readonly string[];
}

/** Hit rates of {@linkcode Forecast.speedsByHitRate}. */
const HIT_RATES = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/**
 * Says what of a model will be where on this machine, how fast it will be, and
 * what would make it faster. Of a checkpoint it reads headers only, however large
 * it is; speeds come from small made-up models of the same shapes that are timed on
 * the spot (`estimate()` says how).
 *
 * @param model A directory, or a model to make up.
 * @param options How it is to be loaded, and what is known of its routing.
 * @returns The forecast.
 * @throws {RangeError} If the plan does not fit, or wishes contradict each other.
 * @throws {Error} If there is no GPU or no model, or it is aborted.
 *
 * @example
 * ```ts
 * import { forecast } from "../../../mod.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const load = { slots: 3 };
 * const { plan, placements } = await forecast({ synthetic: "tiny" }, { load, isMeasured: false });
 * assertEquals(plan.slots, [3, 3, 3]);
 * assertEquals(placements.map(({ slots }) => slots), [2, 3, 4, 5, 6, 7, 8]);
 * ```
 */
export async function forecast(
  model: string | { readonly synthetic: SyntheticShape | ModelConfig },
  options: ForecastOptions = {},
): Promise<Forecast> {
  const { load = {}, isMeasured = true } = options;
  using source = typeof model === "string"
    ? await openSource(model)
    : syntheticSource(model.synthetic);
  const { gpu } = await openGpu(load.tuning);
  using _gpu = gpu;
  const planned = planLoad(gpu, source, load);
  const rates = ratesOf(source, planned, options);
  const meter = new CostMeter(gpu, {
    config: source.config,
    reader: planned.reader,
  }, {
    options: load,
    files: typeof model === "string" ? await weightFiles(model) : [],
    onProgress: options.onProgress,
    signal: options.signal,
  });
  const machine = await machineOf(gpu);
  let failure: string | null = null;
  let isFailed = !isMeasured || planned.obstacle !== null;
  const costsOf = async (plan: Plan) => {
    if (isFailed) return null;
    try {
      return await meter.costsOf(plan);
    } catch (error) {
      options.signal?.throwIfAborted();
      isFailed = true;
      failure = (error as Error).message;
      return null;
    }
  };
  const judge = async (load: Planned, given: HitRates = rates) =>
    estimate({
      ...load,
      config: source.config,
      rates: given,
      costs: await costsOf(load.plan),
    });
  const expected = await judge(planned);
  const costs = await costsOf(planned.plan);
  const judged = { gpu, source, options: load, judge, ...machine };
  const placements = await placementsOf(planned, judged);
  const changes = await findChanges(planned, {
    ...judged,
    expected,
    placements,
  });
  return {
    model: source.name,
    adapter: gpu.name,
    gpu: machine.gpuFacts,
    vramBudgetByteLength: vramBudget(planned, judged),
    availableRamByteLength: machine.ramByteLength,
    attnBits: planned.attnBits,
    expertBits: planned.expertBits,
    expertCount: source.config.numLocalExperts,
    contextLength: planned.contextLength,
    plan: planned.plan,
    hitRates: { source: rates.source, reason: rates.reason },
    costs,
    expected,
    placements,
    speedsByHitRate: costs === null || expected.hitRate === null
      ? []
      : await Promise.all(HIT_RATES.map(async (hitRate) => {
        const at = await judge(planned, { ...rates, rateOf: () => hitRate });
        return {
          hitRate,
          rooflineTokensPerSecond: at.roofline!.tokensPerSecond,
          tokensPerSecond: at.tokensPerSecond,
        };
      })),
    changes,
    notices: noticesOf(planned, { ...machine, failure }),
  };
}

async function machineOf(gpu: Gpu) {
  return {
    gpuFacts: await gpuFacts(gpu.name),
    ramByteLength: freeByteLength(),
  };
}

function ratesOf(
  { config }: ModelSource,
  { plan }: Planned,
  { hitRate, trace, load }: ForecastOptions,
): HitRates {
  const offloaded = plan.slots
    .filter((_, layer) => !plan.residentLayers.includes(layer));
  const slots = offloaded.reduce((sum, count) => sum + count, 0) /
    offloaded.length;
  return hitRates({
    layerCount: config.numHiddenLayers,
    expertCount: config.numLocalExperts,
    topK: config.numExpertsPerTok,
  }, {
    ...hitRate !== undefined && {
      assumed: {
        hitRate,
        slots: offloaded.length === 0 ? config.numLocalExperts : slots,
      },
    },
    ...trace !== undefined && { trace },
    policy: load?.policy,
  });
}
