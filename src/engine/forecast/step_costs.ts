/** How long a token takes in a model, layer by layer: measured on a few layers. */

import type { Gpu } from "../../gpu/device.ts";
import type { Mixtral } from "../../model/mixtral.ts";
import { readExpertLayout } from "../../model/upload.ts";
import type { ResidencyMode } from "../../offload/plan_residency.ts";
import type { StoreKind } from "../../offload/plan_stores.ts";
import { measureLinkRate } from "../device_rates.ts";
import { fastestInTurns } from "../fastest.ts";
import { loadModel } from "../load_model.ts";
import type { LoadOptions } from "../load_options.ts";
import {
  type ProbedModel,
  type ProbeModel,
  probeModel,
} from "./probe_model.ts";

/** What a token costs where all experts are on the GPU. */
export interface ResidentCosts {
  /** Milliseconds of a token besides its layers: embedding, head, read-back. */
  readonly fixedMs: number;
  /** Milliseconds of a layer. */
  readonly layerMs: number;
}

/** What a layer costs whose experts are not all on the GPU. */
export interface OffloadedCosts {
  /** Milliseconds of a layer by how many of its experts miss, these ascending. */
  readonly layerMs: readonly { readonly misses: number; readonly ms: number }[];
  /** Bytes of the experts that missed. */
  readonly expertByteLength: number;
  /** 10^9 bytes of experts a second, one after the other. */
  readonly linkGigabytesPerSecond: number;
}

/** Where experts are while a layer is timed. */
export interface OffloadWay {
  /** The store; one on disk is timed as if it were in memory. */
  readonly store: StoreKind;
  /** Who decides. */
  readonly residency: ResidencyMode;
}

/** Bytes that a probe has to read so that no cache keeps them. */
const UNCACHED_BYTE_LENGTH = 256e6;
/** Positions of a probe's KV cache. */
const CONTEXT_LENGTH = 64;
/** Tokens of one timing: as many as are picked with one read-back. */
const TOKEN_COUNT = { hardware: 24, software: 2 };

/**
 * Times models of few layers with all experts on the GPU. The difference between
 * two of them is what layers take; what is left is the rest of a token. They take
 * turns: a difference says nothing where one ran on a slower machine.
 *
 * @param gpu The GPU, with room for three layers of as many experts as a token uses.
 * @param model The model that they stand for.
 * @param options How it is to be loaded.
 * @returns The costs.
 * @throws {Error} If the probes do not fit.
 */
export async function measureResident(
  gpu: Gpu,
  model: ProbedModel,
  options: LoadOptions,
): Promise<ResidentCosts> {
  const most = layerCountOf(model);
  const least = Math.floor(most / 2); // 0 of a single layer
  using cleanup = new DisposableStack();
  cleanup.use(gpu.memory.scope());
  const trials: (() => Promise<number>)[] = [];
  for (const layerCount of least === 0 ? [most] : [most, least]) {
    const { config, reader, idsOf } = residentProbe(model, layerCount);
    const { model: loaded } = await loadModel(gpu, {
      config,
      reader,
      options: { ...probeOptions(options), slots: config.numLocalExperts },
    });
    cleanup.use(loaded);
    trials.push(tokenTrial(gpu, loaded, idsOf(0)));
  }
  const [longer, shorter = 0] = await fastestInTurns(gpu, trials);
  await settle(gpu);
  const layerMs = Math.max(0, (longer! - shorter) / (most - least));
  return { fixedMs: Math.max(0, longer! - most * layerMs), layerMs };
}

/** A model of few layers without an expert that no token uses. */
function residentProbe(
  { config, reader }: ProbedModel,
  layerCount: number,
): ProbeModel {
  const few = { ...config, numLocalExperts: config.numExpertsPerTok };
  return probeModel({ config: few, reader }, layerCount);
}

/**
 * Times a model of few layers whose experts come and go: with none missing, one,
 * and as many as can.
 *
 * @param gpu The GPU, with room for the probe.
 * @param model The model that it stands for.
 * @param how How it is to be loaded, where its experts are, and what a token
 * takes besides its layers.
 * @returns The costs; `null` if a token uses all experts, so that none can miss.
 * @throws {Error} If the probe does not fit.
 */
export async function measureOffloaded(
  gpu: Gpu,
  model: ProbedModel,
  { options, way, fixedMs }: {
    readonly options: LoadOptions;
    readonly way: OffloadWay;
    readonly fixedMs: number;
  },
): Promise<OffloadedCosts | null> {
  const layerCount = layerCountOf(model);
  const probe = probeModel(model, layerCount);
  if (probe.missLimit === 0) return null;
  let linkGigabytesPerSecond = 0;
  const { config, reader } = probe;
  const expertByteLength = readExpertLayout(reader, config).wordCount * 4;
  using _scope = gpu.memory.scope();
  const { model: loaded } = await loadModel(gpu, {
    config,
    reader,
    options: {
      ...probeOptions(options),
      slots: probe.slots,
      store: way.store === "disk" ? "array-buffer" : way.store,
      residency: way.residency,
      prefetch: "off",
    },
    storeOf: async (_plan, make) => {
      const store = await make();
      linkGigabytesPerSecond = await measureLinkRate(
        gpu,
        store,
        expertByteLength,
      );
      return store;
    },
  });
  using _model = loaded;
  const counts = [...new Set([0, 1, probe.missLimit])];
  const tokenMs = await fastestInTurns(
    gpu,
    counts.map((misses) => tokenTrial(gpu, loaded, probe.idsOf(misses))),
  );
  const layerMs = counts.map((misses, i) => ({
    misses,
    ms: Math.max(0, tokenMs[i]! - fixedMs) / layerCount,
  }));
  await settle(gpu);
  return { layerMs, expertByteLength, linkGigabytesPerSecond };
}

/** Milliseconds of a token, the mean of some that take two ids in turns. */
function tokenTrial(
  gpu: Gpu,
  model: Mixtral,
  ids: readonly [number, number],
): () => Promise<number> {
  const count = TOKEN_COUNT[gpu.isSoftware ? "software" : "hardware"];
  return async () => {
    const start = performance.now();
    await runTokens(model, ids, count);
    return (performance.now() - start) / count;
  };
}

/** Runs two ids in turns, as many at once as the model picks by itself. */
async function runTokens(
  model: Mixtral,
  ids: readonly [number, number],
  count: number,
): Promise<void> {
  const told = Array.from({ length: count }, (_, i) => ids[(i + 1) % 2]!);
  if (model.aheadLimit >= count) {
    await model.pickAhead(ids[0], { position: 0, count, told });
    return;
  }
  for (let i = 0; i < count; i++) await model.forward([ids[i % 2]!], i);
}

/** Enough layers that no cache holds what a token reads, as none holds a model. */
function layerCountOf({ config, reader }: ProbedModel): number {
  const layerByteLength = config.numExpertsPerTok *
    readExpertLayout(reader, config).wordCount * 4;
  const wanted = Math.ceil(UNCACHED_BYTE_LENGTH / layerByteLength);
  return Math.min(config.numHiddenLayers, Math.max(2, wanted));
}

/** What of the options matters for how long a token takes. */
function probeOptions({ activations, policy }: LoadOptions): LoadOptions {
  return { activations, policy, contextLength: CONTEXT_LENGTH, chunkSize: 8 };
}

/** Waits for the GPU: only then is what was destroyed free again. */
async function settle(gpu: Gpu): Promise<void> {
  using _ = await gpu.readback(16);
}
