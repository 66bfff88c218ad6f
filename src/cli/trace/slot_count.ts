import type { LoadOptions } from "../../engine/load_options.ts";
import type { RoutingTrace } from "../../offload/routing_trace.ts";
import type { FlagValue } from "../args.ts";
import { chosenModel } from "../models/chosen_model.ts";

/**
 * How many slots there are to deal out, by the flags.
 *
 * @param values The values of the flags.
 * @param trace The trace, whose model `--vram` must be for.
 * @returns Slots of all layers together; none if no flag says it.
 * @throws {Error} If the model cannot be opened, is another, or does not fit.
 */
export async function slotCountOf(
  values: Readonly<Record<string, FlagValue>>,
  trace: RoutingTrace,
): Promise<number | undefined> {
  const { slotsTotal, vramByteLength, contextLength, model } = values;
  if (slotsTotal !== undefined) return slotsTotal as number;
  if (vramByteLength === undefined) return undefined;
  const directory = await chosenModel(model as string | undefined);
  const { planDirectory } = await import("../../engine/plan_directory.ts");
  const { config, plan } = await planDirectory(directory, {
    vramByteLength: vramByteLength as number,
    ...contextLength !== undefined && { contextLength },
  } as LoadOptions);
  const { numHiddenLayers, numLocalExperts, numExpertsPerTok } = config;
  const counts = [numHiddenLayers, numLocalExperts, numExpertsPerTok];
  const traced = [trace.layerCount, trace.expertCount, trace.topK];
  if (String(counts) === String(traced)) return plan.slotCount;
  const name = ([layers, experts, topK]: readonly number[]) =>
    `${layers} layers of ${experts} experts, ${topK} a token`;
  throw new Error(
    `Cannot suggest slots for ${directory}: it has ${
      name(counts)
    }, wanted the model of the trace, with ${
      name(traced)
    }; name it by --model, or say --slots-total`,
  );
}
