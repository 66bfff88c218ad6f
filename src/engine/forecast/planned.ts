/** What a load would come to, without loading. */

import type { Gpu } from "../../gpu/device.ts";
import type { MatrixReader } from "../../model/weight_reader.ts";
import { formatByteLength } from "../../io/byte_length.ts";
import type { Plan } from "../../offload/placement.ts";
import { chunkSizeOf, contextLengthOf } from "../context_length.ts";
import { checkLoadOptions, type LoadOptions } from "../load_options.ts";
import type { ModelSource } from "../model_source.ts";
import { planModel } from "../offload_setup.ts";
import { type WeightFacts, weightFacts } from "../weight_facts.ts";

/** A load that was planned. */
export interface Planned extends WeightFacts {
  /** What goes where. */
  readonly plan: Plan;
  /** The weights, as they would be loaded. */
  readonly reader: MatrixReader;
  /** Positions of the KV cache. */
  readonly contextLength: number;
  /** The most tokens of a step. */
  readonly chunkSize: number;
  /** Why the adapter cannot hold this; `null` if nothing speaks against it. */
  readonly obstacle: string | null;
}

/**
 * Plans a load, as `load()` does before it reads weights.
 *
 * @param gpu The GPU.
 * @param source The model.
 * @param options How to load it.
 * @returns What it comes to.
 * @throws {RangeError} If it does not fit, or wishes contradict each other.
 */
export function planLoad(
  gpu: Gpu,
  source: ModelSource,
  options: LoadOptions,
): Planned {
  checkLoadOptions(options);
  const { config } = source;
  const reader = source.reader(options);
  const contextLength = contextLengthOf(config, options);
  const chunkSize = chunkSizeOf(contextLength, options);
  const plan = planModel(gpu, {
    config,
    reader,
    options,
    contextLength,
    chunkSize,
  });
  const facts = weightFacts(config, reader);
  const obstacle = obstacleOf(gpu.bindByteLimit, {
    embedding: facts.embeddingByteLength,
    experts: plan.residentLayers.length === 0
      ? 0
      : config.numLocalExperts * plan.expertByteLength,
  });
  return { ...facts, plan, reader, contextLength, chunkSize, obstacle };
}

/**
 * Says which buffer is larger than an adapter binds.
 *
 * @param byteLimit Bytes that it binds at once.
 * @param byteLengths Bytes of the embedding, and of the experts of a layer that
 * are all on the GPU.
 * @returns A sentence; `null` if all can be bound.
 */
export function obstacleOf(
  byteLimit: number,
  byteLengths: { readonly embedding: number; readonly experts: number },
): string | null {
  const { embedding, experts } = byteLengths;
  const [what, byteLength] = embedding > byteLimit
    ? ["the embedding takes", embedding]
    : ["the experts of a layer, all on the GPU, take", experts];
  if (byteLength <= byteLimit) return null;
  return `${what} a buffer of ${formatByteLength(byteLength)}, and this ` +
    `adapter binds at most ${formatByteLength(byteLimit)}`;
}
