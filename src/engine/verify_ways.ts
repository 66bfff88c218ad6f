/** The model loaded in other ways: what it says must be the same. */

import type { ModelConfig } from "../model/config.ts";
import { formatByteLength } from "../io/byte_length.ts";
import type { Plan } from "../offload/placement.ts";
import { DEFAULT_VRAM_BYTE_LENGTH } from "../offload/plan_slots.ts";
import type { LoadedModel } from "./load_model.ts";
import type { LoadOptions } from "./load_options.ts";
import type { ModelSeries } from "./model_series.ts";
import { freeByteLength } from "./this_machine.ts";
import { NO_SLOTS } from "./no_slots.ts";
import type { VerifyWay } from "./verify_cases.ts";
import type { VerifyRow } from "./verify_row.ts";
import {
  compareTranscripts,
  talk,
  type TalkOptions,
  type Transcript,
} from "./verify_talk.ts";

/**
 * Chooses what all ways are compared with.
 *
 * @param series Plans models.
 * @param options How the user loads the model, and what is planned for that.
 * @returns All experts on the GPU, if they fit; else the user's own options.
 */
export function baseOptions(
  series: ModelSeries,
  { load, planned, config }: {
    load: LoadOptions;
    planned: Plan;
    config: ModelConfig;
  },
): LoadOptions {
  const slots = config.numLocalExperts;
  const everything = { ...load, ...NO_SLOTS, slots };
  const budget = load.vramByteLength ??
    Math.max(DEFAULT_VRAM_BYTE_LENGTH, planned.vramByteLength);
  const plan = planOrReason(series, everything);
  const fits = typeof plan !== "string" && plan.vramByteLength <= budget;
  return fits ? everything : load;
}

/**
 * Loads the model in another way, and compares what it says.
 *
 * @param series Loads models.
 * @param load The way, and the user's other options.
 * @param options What to say, and what it should answer.
 * @returns How it came out; skipped if it does not fit here.
 */
export async function compareWay(
  series: ModelSeries,
  load: LoadOptions & VerifyWay,
  { said, expected, against, expertCount }: {
    said: TalkOptions;
    expertCount: number;
    expected: Transcript;
    against: string;
  },
): Promise<VerifyRow> {
  const { slots, policy, prefetch, residency, store } = load;
  const options = { slots, policy, prefetch, residency, store };
  const plan = planOrReason(series, load);
  const reason = typeof plan === "string" ? plan : shortOfRam(plan);
  if (reason !== null) {
    const what = describeWay({
      slots: [slots].flat() as number[], // a way has numbers
      expertCount,
      stores: store ?? "auto",
      residency: residency!,
      policy: policy!,
      prefetch: prefetch!,
    });
    return {
      ...{ check: "cache", what, against, options },
      ...{ verdict: "skipped", idCount: 0, rowCount: 0, tolerance: 0 },
      ...{ difference: null, relativeDifference: null, notes: [reason] },
    };
  }
  using loaded = await series.load(load);
  const actual = await talk(loaded.model, said);
  return {
    ...{ check: "cache", what: describeLoaded(loaded, load), against, options },
    ...compareTranscripts(actual, expected),
    ...countsOf(loaded),
  };
}

/** A plan, or why there can be none. */
function planOrReason(series: ModelSeries, load: LoadOptions): Plan | string {
  try {
    return series.plan(load);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return error.message.replace(/^Cannot plan: /, "");
  }
}

/** Why a plan is not tried; `null` if the memory holds it. */
function shortOfRam({ ramByteLength }: Plan): string | null {
  const available = freeByteLength();
  return ramByteLength <= available
    ? null
    : `experts take ${formatByteLength(ramByteLength)} of RAM, ${
      formatByteLength(available)
    } are free`;
}

/**
 * Says how a model was loaded.
 *
 * @param loaded The model.
 * @param load Its options.
 * @returns Such as `3 of 8 slots, pinned, by GPU, lru, prefetch off`.
 */
export function describeLoaded(
  { plan, offload, model }: LoadedModel,
  { policy = "lru" }: LoadOptions,
): string {
  if (offload === null) return "all experts on the GPU";
  const stores = plan.stores.map(({ kind }) => kind).join(" + ");
  const { residency, prefetch } = offload;
  return describeWay({
    slots: plan.slots,
    expertCount: model.config.numLocalExperts,
    ...{ stores, residency, policy, prefetch },
  });
}

function describeWay({ slots, expertCount, stores, ...how }: {
  slots: readonly number[];
  expertCount: number;
  stores: string;
  residency: string;
  policy: string;
  prefetch: string;
}): string {
  const [least, most] = [Math.min(...slots), Math.max(...slots)];
  const range = least === most ? String(least) : `${least}-${most}`;
  const { residency, policy, prefetch } = how;
  return `${range} of ${expertCount} slots, ${stores}, by ${residency}, ${policy}, prefetch ${prefetch}`;
}

/** A way in which no expert came or went would prove nothing. */
function countsOf({ model }: LoadedModel): Pick<VerifyRow, "uses"> {
  if (model.offloadStats === null) return {};
  const uses = { hits: 0, misses: 0, evictions: 0 };
  for (const layer of model.offloadStats.snapshot().layers) {
    uses.hits += layer.hits;
    uses.misses += layer.misses;
    uses.evictions += layer.evictions;
  }
  return { uses };
}
